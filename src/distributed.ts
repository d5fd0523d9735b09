// Training by several processes on one or more machines: what `retinagrad/distributed` exports, without a transport. In Node the
// package resolves to distributed-node.ts, which adds MPI.
export { RankError, type Communicator } from './distributed/communicator.ts';
export { DataParallel, type DataParallelOptions } from './distributed/data-parallel.ts';
export { stepCost, type StepCost, type StepCostOptions } from './distributed/step-cost.ts';
export { ReplicaError, type Replicas, type ReplicaSum } from './train/replicas.ts';
