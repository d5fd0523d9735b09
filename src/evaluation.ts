// Evaluation: detections against ground truth. What `retinagrad/evaluation` exports.
//
// - *Matching* decides which detection found which object of an image (`matchDetections`, COCO's rule in `cocoMetrics`).
// - *Evaluating* turns the matchings of all images into figures. Inside, one run of a detector on one data set is an
//   `EvaluatedRun`. There are two results: `evaluateDetections` takes arrays and returns live curves, which is enough while
//   training; `judge` takes tables of label files and returns a `Judgement`, plain data with everything a report shows.
// - *Comparing* evaluates two runs on the same images (`compareRuns`).
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
  judgeArea,
  type AreaJudgement,
  type JudgeAreaOptions,
  type JudgedArea,
  type Outcome,
} from './evaluation/judge-area.ts';
export { areaText } from './evaluation/area-text.ts';
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
