// Comparing detections with the truth: what `retinagrad/evaluation` exports.
export { boxIou, pairwiseIou } from './imagery/boxes.ts';
export {
  matchDetections,
  type Detections,
  type EvaluatedImage,
  type Matching,
  type ScoredBoxes,
  type TrueBoxes,
} from './evaluation/match.ts';
export { PrecisionRecallCurve, type OperatingPoint } from './evaluation/precision-recall.ts';
export { evaluateDetections, type ClassEvaluation, type Evaluation } from './evaluation/detection-metrics.ts';
export { cocoMetrics, type CocoClassMetrics, type CocoMetrics } from './evaluation/coco.ts';
export type {
  ClassJudgement,
  ConfusionMatrix,
  ImageJudgement,
  Interval,
  Intervals,
  Judgement,
  JudgementCounts,
  JudgementCurve,
  JudgementSettings,
  ListedImages,
  MacroAverage,
  SpaceNetMetrics,
  SpaceNetScore,
} from './evaluation/judgement.ts';
export { judge, type JudgeOptions } from './evaluation/judge.ts';
export {
  compareRuns,
  type ChangedImage,
  type ChangedObject,
  type CompareOptions,
  type Difference,
  type RunComparison,
} from './evaluation/compare.ts';
export type { BootstrapOptions } from './evaluation/bootstrap.ts';
export type { MatchBy } from './evaluation/tables.ts';
export { loadPolygonGeometry, type Outline, type PolygonGeometry } from './evaluation/polygon-iou.ts';
export { comparisonText, judgementText } from './evaluation/text.ts';
