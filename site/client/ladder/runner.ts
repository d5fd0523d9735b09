// Measures steps of the kernel ladder. Loaded when the reader first asks for it.
import { DeviceLostError, init } from 'retinagrad';
import { editedStep, ladders, ladderTimer, measureCeiling, type LadderStep, type Measured } from 'retinagrad/bench';

/** About how long a step is measured. */
const SECONDS = 0.3;

/** A message of the compiler. Lines and columns count from 1. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Edited text by the file of the kernel. */
export type Edits = Readonly<Record<string, string>>;

export interface Runner {
  readonly adapter: string;
  readonly ceiling: { readonly gflops: number; readonly gbps: number };
  /** Names of the steps that this device has. */
  readonly names: ReadonlySet<string>;
  /** Errors of a kernel's text, or none. */
  compile(code: string): Promise<readonly Problem[]>;
  /** Times a step and checks it. The first step of its ladder is measured before it, once: speeds are relative to it. */
  measure(name: string, edits?: Edits): Promise<Measured>;
}

let runner: Promise<Runner> | null = null;

/** The runner of the page, on a device of its own. A lost device is replaced by the next call. */
export function openRunner(): Promise<Runner> {
  runner ??= open().catch((error: unknown) => {
    runner = null;
    throw error;
  });
  return runner;
}

async function open(): Promise<Runner> {
  const device = await init();
  const ceiling = await measureCeiling(device, SECONDS);
  const all = ladders().map((steps) => ({ steps, time: ladderTimer(device, ceiling, SECONDS) }));
  const known = new Map<string, Measured>();
  const ladderOf = (name: string) => all.find(({ steps }) => steps.some((step) => step.name === name))!;
  const once = async (name: string, time: (step: LadderStep) => Promise<Measured>, step: LadderStep) => {
    if (!known.has(name)) known.set(name, await time(step));
    return known.get(name)!;
  };
  return {
    adapter: device.adapter.name,
    ceiling,
    names: new Set(all.flatMap(({ steps }) => steps.map(({ name }) => name))),
    async compile(code) {
      device.gpu.pushErrorScope('validation');
      const module = device.gpu.createShaderModule({ code });
      await device.gpu.popErrorScope();
      const { messages } = await module.getCompilationInfo();
      return messages
        .filter(({ type }) => type === 'error')
        .map(({ lineNum, linePos, message }) => ({ line: lineNum, column: linePos, message }));
    },
    async measure(name, edits) {
      const { steps, time } = ladderOf(name);
      const step = steps.find((other) => other.name === name)!;
      try {
        await once(steps[0]!.name, time, steps[0]!);
        if (edits === undefined) return await once(name, time, step);
        return await time(editedStep(step, edits));
      } catch (error) {
        if (error instanceof DeviceLostError) runner = null;
        throw error;
      }
    },
  };
}
