// The entry `retinagrad/detector` in Node: everything of detector.ts, and what reads and writes files.
export * from './detector.ts';
export { loadDetector, openDetector, saveDetector } from './detector/node/detector-file.ts';
export {
  exportDetector,
  exportFormats,
  type ExportedDetector,
  type ExportFormat,
  type ExportOptions,
} from './export/node/export-detector.ts';
export { loadPretrained } from './detector/node/load-pretrained.ts';
export {
  openTraining,
  train,
  trainReplica,
  type FinishedTraining,
  type InterruptedTraining,
  type OpenedTraining,
  type TrainOutcome,
  type TrainTaskOptions,
} from './task/node/train.ts';
export { openTrainingData, type OpenTrainingOptions } from './task/node/open-training-data.ts';
export { TileJournal } from './task/node/tile-journal.ts';
export {
  commonFolder,
  detectFiles,
  type DetectFilesOptions,
  type FileDetections,
  type FileStore,
} from './task/node/detect-files.ts';
export {
  SharedDetection,
  SharedPieces,
  type SharedDetectionOptions,
  type SharedProgress,
  type SharedWorkOptions,
} from './task/node/detect-shared.ts';
export { Claim, LostClaim } from './task/node/claim.ts';
export { WorkQueue, type JoinOptions, type QueueTerms } from './task/node/work-queue.ts';
export {
  evaluate,
  openEvaluationData,
  type DataEvaluation,
  type EvaluateTaskOptions,
  type EvaluationData,
  type UnreadableImage,
} from './task/node/evaluate.ts';
export {
  compareLayers,
  judgeLayers,
  type ComparedLayers,
  type JudgeLayersOptions,
  type LayerOutcomes,
  type LayersJudgement,
} from './task/node/judge-layers.ts';
export { evaluationOnImages, outcomesOnImages, type OutcomeImages } from './task/node/outcomes-on-images.ts';
export { examineData, type DataExamination, type ExamineDataOptions } from './task/node/examine.ts';
export { writeExamination } from './doctor/node/write.ts';
export { examineFiles, type ExamineFilesOptions, type LabelledData } from './doctor/node/examine-files.ts';
export { takeInventory } from './doctor/node/read.ts';
export { SYNTHETIC, syntheticToEvaluate, syntheticToTrain } from './task/node/synthetic.ts';
export { writeReport, type WriteReportOptions } from './task/node/write-report.ts';
export { RunFolder, runFiles } from './train/node/run-folder.ts';
