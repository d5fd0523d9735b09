// The parts of training: what `retinagrad/train` exports, in browsers too. In Node the package resolves to train-node.ts, which
// adds files.
export { DivergedError } from './common/errors.ts';
export { MemoryRun } from './train/memory-run.ts';
export type { EvaluationRecord, RunRecord, RunStore, StepRecord } from './train/run-store.ts';
export { startingRate, type RateInput } from './train/starting-rate.ts';
export { readLosses, Trainer, type StepLosses, type TrainerOptions } from './train/trainer.ts';
export { trainDetector } from './train/train-detector.ts';
export { type Peek, type TrainOptions, type TrainResult } from './train/run-options.ts';
export { type RecipeOptions } from './train/recipe.ts';
export { trainSettings, type TrainSettings } from './train/settings.ts';
export { freezeBackbone, type FrozenParts } from './train/freeze.ts';
export { type EpochSampler } from './train/sampler.ts';
export { findBatchSize, type FindBatchSizeOptions, type FoundBatchSize } from './train/find-batch-size.ts';
export { findLearningRate, type FindRateOptions, type RateCurve, type RatePoint } from './train/find-learning-rate.ts';
