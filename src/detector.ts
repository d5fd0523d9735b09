// A whole task as a value of the library: what `retinagrad/detector` exports, in browsers too. In Node the package resolves
// to detector-node.ts, which adds files.

// A detector
export { Detector, encodeDetector, type DetectOptions, type DetectorDescription } from './detector/detector.ts';
export { detectImage } from './detector/detect-image.ts';
export { detectRaster, type DetectableRaster, type TileOptions, type TileStore } from './detector/detect-raster.ts';
export type { BatchDetector, OnLoss } from './detector/survive-loss.ts';
export { viewNames, type Views } from './detector/detect-views.ts';
export { evaluateDetector, type EvaluateOptions, type ImageResult } from './detector/evaluate.ts';
export { blackFraction, darkRemedy, levelRange } from './imagery/level-range.ts';
export { atLeast, omittedImages, tablesOf } from './detector/detections-table.ts';
export { loadPretrainedBytes, type PretrainedOptions, type PretrainedReport } from './detector/pretrained.ts';
export { openDetectorBytes, type OpenDetectorOptions } from './detector/open-detector.ts';
export type { TensorNote } from './detector/pretrained-source.ts';

// For other tools
export { exportOnnx, type OnnxFile, type OnnxOptions } from './export/onnx/export-onnx.ts';
export { onnxForms, type OnnxForm } from './export/onnx/forms.ts';
export { torchvisionModule } from './export/torchvision-module.ts';
export { encodePth } from './weights/pth.ts';
export { openWeights } from './weights/open-weights.ts';
export { openShards } from './weights/shards.ts';
export type { StoredTensor, TensorFile } from './weights/tensor-file.ts';
export type { Bytes, ByteSource } from './weights/byte-source.ts';

// Settings
export {
  chooseAuto,
  cpuNetworks,
  networks,
  resolveSettings,
  settingsSchema,
  type NetworkName,
  type PartialSettings,
  type RunSettings,
  type Settings,
} from './task/settings.ts';
export { layerOf, resolveLayers, SettingError, type SettingLayer } from './common/settings.ts';
export { jsonSchemaOf, printSettings, readSettingsFile, settingsHelp, splitOverrides } from './common/settings-text.ts';

// From data to a trained detector
export { checkDataSettings, prepareTrainingData, type DataOrigin, type TrainingData } from './task/training-data.ts';
export { syntheticData, type SyntheticDataOptions } from './task/synthetic-data.ts';
export { boxSizesOf, networkSpec } from './task/network.ts';
export {
  findRate,
  judgeTraining,
  prepareTraining,
  runTraining,
  type RunJudgement,
  type RunTrainingOptions,
  type Training,
} from './task/training.ts';
export { MemoryRun } from './train/memory-run.ts';
export type { EvaluationRecord, RunRecord, RunStore, StepRecord } from './train/run-store.ts';

// Judgement and report
export { resolutionNote } from './task/resolution.ts';
export { detectSamples, judgeTables, matchImages, scenesIn } from './task/evaluation.ts';
export { rateChart } from './task/rate-chart.ts';
export { anchorFacts, taskReport, titleOf, type ReportParts } from './task/report.ts';

// Before training: anchors that fit the boxes, and what is wrong with a data set
export { bestIous, coverageOf, placeBoxes, type AnchorCoverage, type PlacedBoxes } from './detector/anchor-coverage.ts';
export { fitAnchors, fitSmallestAnchor, steppedSizes, type AnchorShapes } from './detector/fit-anchors.ts';
export type { SizedImage } from './detector/visible-box.ts';
export {
  examine,
  type Examination,
  type ExamineOptions,
  type InventoriedData,
  type TrainingPlan,
} from './doctor/examine.ts';
export { examinationText } from './doctor/text.ts';
export { anchorPicture } from './doctor/anchor-pictures.ts';
export { differenceHash } from './doctor/difference-hash.ts';
export { noFacts, type Finding, type ImageFacts, type Inventory, type Severity } from './doctor/types.ts';
export type { Recommendation } from './doctor/types.ts';
