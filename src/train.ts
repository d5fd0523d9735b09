// Training: what `retinagrad/train` exports. It needs Node.
export { loadCheckpoint, saveCheckpoint } from './train/checkpoint.ts';
