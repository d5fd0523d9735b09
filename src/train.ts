// Training: what `retinagrad/train` exports. It needs Node.
export { loadCheckpoint, saveCheckpoint } from './weights/node/checkpoint.ts';
export { loadDetector, saveDetector, type Detector, type DetectorDescription } from './detector/detector.ts';
export { evaluateDetector, type EvaluateOptions, type ImageResult } from './detector/evaluate.ts';
export { RunFolder, runFiles, type EvaluationRecord, type StepRecord } from './train/run-folder.ts';
export { startingRate, type RateInput } from './train/starting-rate.ts';
export { readLosses, Trainer, type StepLosses, type TrainerOptions } from './train/trainer.ts';
export { trainDetector } from './train/train-detector.ts';
export { type TrainOptions, type TrainResult } from './train/train-options.ts';
export { type RecipeOptions, type ScheduleName } from './train/recipe.ts';
export { freezeBackbone, type FrozenParts } from './train/freeze.ts';
export { type EpochSampler } from './train/sampler.ts';
export { openEventFile, type EventFile } from './train/tensorboard.ts';
export { findLearningRate, type FindRateOptions, type RateCurve, type RatePoint } from './train/find-learning-rate.ts';
export { loadPretrained, type PretrainedOptions, type PretrainedReport } from './detector/pretrained.ts';
export { type TensorNote } from './detector/pretrained-source.ts';
export { detectImage, type TileOptions } from './detector/detect-image.ts';
