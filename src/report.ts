// Charts and pictures: what `retinagrad/report` exports.
export { lossChart, precisionRecallChart } from './report/charts.ts';
export { contactSheet, detectionPicture } from './report/pictures.ts';
export { drawBox, drawText, enlarge, type Colour } from './report/draw.ts';
export { lineChart, stackCharts } from './report/svg-chart.ts';
export { barChart, type BarChart, type BarSeries } from './report/bar-chart.ts';
export { boxSizeChart, type BoxSizes } from './report/box-sizes.ts';
export { chooseExamples, type Examples } from './report/examples.ts';
export { pngDataUri } from './report/data-uri.ts';
export { reportHtml } from './report/html.ts';
export { exampleCaption, factRows } from './report/run-sections.ts';
export type {
  FactGroup,
  FactValue,
  ReportPicture,
  Reproduction,
  RunReport,
  TrainingEvaluation,
} from './report/run-report.ts';
export { comparisonHtml, type ComparisonReport } from './report/comparison.ts';
