// The entry `retinagrad/distributed` in Node: everything of distributed.ts, and MPI.
export * from './distributed.ts';
export { isMpiProcess, launchedSize, openMpi, type MpiCommunicator, type MpiOptions } from './distributed/node/mpi.ts';
