import type { Task } from '../../src/measure/tasks.ts';

/** An operand of a task, which is read when it is needed. */
export interface Operand {
  readonly shape: readonly number[];
  readonly read: () => Float32Array;
}

/** A task of a library, ready to be timed. */
export interface Prepared {
  /** Queues the work once, or does it. */
  readonly run: () => unknown;
  /** Waits until all queued work is done. */
  readonly finish: () => unknown;
  /** Runs once and reads: images NHWC, filters HWIO. */
  readonly results: () => Promise<Float32Array[]>;
  readonly release: () => void;
}

/** The operations of a library by their names in tasks. */
export type Kernels = Readonly<
  Record<string, ((task: Task, operands: Readonly<Record<string, Operand>>) => Prepared) | undefined>
>;
