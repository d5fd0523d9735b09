import { openRecording } from './recording.ts';

// A dry run of a function finds out what it would launch, without launching it. Shapes and types are computed as usual, GPU
// memory is neither read nor written, and what the function changes on the host is undone at the end.

/** What a dry run disposes at its end. */
interface Disposable {
  dispose(): void;
}

/** What a dry run has found and must undo. */
export interface DryRun {
  /** What would have been launched: the kernel with its constants, its workgroups and its parameters, as one line each. */
  readonly launches: string[];
  /** How to compile each kernel that is not compiled yet, by name. */
  readonly kernels: Map<string, () => Promise<void>>;
  /** Tensors that were made in it. */
  readonly made: Set<Disposable>;
  readonly undo: (() => void)[];
}

/** Thrown by a read in a dry run. */
export class ReadInDryRun extends Error {
  constructor(operation: string) {
    super(
      `${operation}: warmup computes nothing, so that there are no values to read; give it a function that only computes, ` +
        'or one that reads at its end',
    );
  }
}

let current: DryRun | null = null;

/** The dry run that is under way. */
export const dryRun = (): DryRun | null => current;

/**
 * Says how to undo a change on the host of something that lives on, for the case that a dry run makes it. A recording ends,
 * because it could not repeat the change: see `changeHost`.
 */
export function undoAfterDryRun(undo: () => void): void {
  openRecording()?.abandon('it changes something on the host, for example the stream of seeds or a schedule');
  current?.undo.push(undo);
}

/** Makes a change on the host that every run of a recording makes too, and says how to undo it after a dry run. */
export function changeHost(change: () => void, undo: () => void): void {
  change();
  openRecording()?.beforeRun(change);
  current?.undo.push(undo);
}

/** Calls `fn` in a dry run, up to its first `await` if it is asynchronous. */
export function inDryRun<T>(fn: () => T): { readonly result: T } & Pick<DryRun, 'kernels' | 'launches'> {
  if (current !== null) throw new Error('warmup: it cannot be called in the function that it warms up');
  const run: DryRun = { launches: [], kernels: new Map(), made: new Set(), undo: [] };
  current = run;
  try {
    return { result: fn(), kernels: run.kernels, launches: run.launches };
  } finally {
    current = null;
    for (const undo of run.undo.reverse()) undo();
    for (const tensor of run.made) tensor.dispose();
  }
}
