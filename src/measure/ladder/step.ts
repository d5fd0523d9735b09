import { run, type Launch } from '../../kernels/run.ts';
import type { WgslSource } from '../../kernels/wgsl.ts';
import { defaultDevice } from '../../tensor/device.ts';
import { empty, type Tensor } from '../../tensor/tensor.ts';
import type { Named, Task } from '../tasks.ts';

/** A step of the ladder: a kernel, or a few that compute the result together. */
export interface LadderStep {
  /** `matmul 1 naive` */
  readonly name: string;
  readonly task: Task;
  /**
   * Accesses to cache or workgroup memory, of 128 bytes each, with which a subgroup of 32 lanes makes one multiply-add per
   * lane. Null for the library's kernels, and where several kernels share the work.
   */
  readonly accesses: number | null;
  /** Queues the work. Temporary tensors are left to the caller's `tidy`. */
  readonly run: (operands: Named<Tensor>) => Tensor;
}

/** Text in place of that of some files, while an edited step runs. */
let replacements: ReadonlyMap<string, Pick<WgslSource, 'code' | 'file'>> = new Map();
let edits = 0;

/**
 * A step with other text in some of its kernels, for example a reader's. It must keep the bindings, the parameters and, unless
 * the result is the same, the number of outputs per workgroup, because the launch stays as it is.
 *
 * @param files text by the name of the file in bench/ladder
 */
export function editedStep(step: LadderStep, files: Readonly<Record<string, string>>): LadderStep {
  // Compiled kernels are cached by their file.
  const sources = new Map(
    Object.entries(files).map(([file, code]) => [file, { code, file: `${file}, edit ${++edits}` }]),
  );
  return {
    ...step,
    run(operands) {
      const before = replacements;
      replacements = sources;
      try {
        return step.run(operands);
      } finally {
        replacements = before;
      }
    },
  };
}

/** Runs a kernel of the ladder that fills a new tensor. */
export function filled<S extends WgslSource>(
  kernel: S,
  shape: readonly number[],
  launch: (y: Tensor) => Omit<Launch<S>, 'op'>,
): Tensor {
  const device = defaultDevice();
  const y = empty(device, shape, 'float32', 'ladder');
  run(device, { ...kernel, ...replacements.get(kernel.file) }, { op: 'ladder', ...launch(y) });
  return y;
}

/** Workgroups of `size` invocations for `count` of them. */
export const groupsOf = (count: number, size: number): number => Math.ceil(count / size);
