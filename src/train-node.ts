// The entry `retinagrad/train` in Node: everything of train.ts, and what reads and writes files.
export * from './train.ts';
export { loadCheckpoint, saveCheckpoint } from './weights/node/checkpoint.ts';
export { RunFolder, runFiles } from './train/node/run-folder.ts';
export { openEventFile, type EventFile } from './train/node/tensorboard.ts';
