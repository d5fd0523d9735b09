// Comparing detections with the truth: what `retinagrad/evaluation` exports.
export { boxIou, pairwiseIou } from './evaluation/iou.ts';
export { matchDetections, type Detections, type Matching } from './evaluation/match.ts';
export { PrecisionRecallCurve, type OperatingPoint } from './evaluation/precision-recall.ts';
export {
  cocoAveragePrecision,
  evaluateDetections,
  type ClassEvaluation,
  type Evaluation,
} from './evaluation/detection-metrics.ts';
