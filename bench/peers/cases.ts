import { batchNormTask, convTasks, matmulTask, maxPoolTask, upsampleTask, type Task } from '../../src/measure/tasks.ts';

// What every library is asked to do. Gradients of the results are given; a worker converts the operands to its library's
// layout before anything is timed, and its results back before they are checked.

/** A task of this project's own benchmarks, or the whole network. */
export type PeerCase = Task | { readonly name: string; readonly operation: 'trainStep' | 'detect' };

/** Whether a case is a single operation: its results have references. Those of the whole network are compared. */
export const isTask = (peerCase: PeerCase): peerCase is Task => 'references' in peerCase;

const conv = (side: number, from: number, to: number, kernel: number, stride: number): Task[] =>
  convTasks({ x: [1, side, side, from], w: [kernel, kernel, from, to], stride, padding: (kernel - 1) / 2 });

export const CASES: readonly PeerCase[] = [
  matmulTask(1024),
  ...conv(32, 256, 256, 3, 1),
  ...conv(64, 64, 64, 3, 1),
  ...conv(64, 256, 64, 1, 1),
  ...conv(64, 64, 256, 1, 1),
  ...conv(256, 3, 64, 7, 2),
  ...conv(56, 128, 128, 3, 2),
  batchNormTask([1, 64, 64, 256]),
  maxPoolTask([1, 128, 128, 64]),
  upsampleTask([1, 32, 32, 256]),
  { name: 'RetinaNet ResNet-50 256 px, forward with NMS', operation: 'detect' },
  { name: 'RetinaNet ResNet-50 256 px, training step', operation: 'trainStep' },
];
