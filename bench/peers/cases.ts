import { comparedTasks, type Task } from '../../src/measure/tasks.ts';

// What every library is asked to do. Gradients of the results are given; a worker converts the operands to its library's
// layout before anything is timed, and its results back before they are checked.

/** A task of this project's own benchmarks, or the whole network. */
export type PeerCase = Task | { readonly name: string; readonly operation: 'trainStep' | 'detect' };

/** Whether a case is a single operation: its results have references. Those of the whole network are compared. */
export const isTask = (peerCase: PeerCase): peerCase is Task => 'references' in peerCase;

export const CASES: readonly PeerCase[] = [
  ...comparedTasks(),
  { name: 'RetinaNet ResNet-50 256 px, forward with NMS', operation: 'detect' },
  { name: 'RetinaNet ResNet-50 256 px, training step', operation: 'trainStep' },
];
