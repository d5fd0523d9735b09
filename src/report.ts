// Charts and pictures: what `retinagrad/report` exports.
export { lossChart, precisionRecallChart } from './report/charts/charts.ts';
export { contactSheet, detectionPicture } from './report/pictures/pictures.ts';
export { drawBox, drawText, enlarge, type Colour } from './report/pictures/draw.ts';
export { lineChart, stackCharts } from './report/charts/svg-chart.ts';
export { barChart, type BarChart, type BarSeries } from './report/charts/bar-chart.ts';
export { boxSizeChart, type BoxSizes } from './report/charts/box-sizes.ts';
export { chooseExamples, type Examples } from './report/pictures/examples.ts';
export { pngDataUri } from './report/html/data-uri.ts';
export { reportHtml } from './report/html/html.ts';
export { exampleCaption, factRows } from './report/html/run-sections.ts';
export type {
  FactGroup,
  FactValue,
  ReportPicture,
  Reproduction,
  RunReport,
  TrainingEvaluation,
} from './report/html/run-report.ts';
export { comparisonHtml, type ComparisonReport } from './report/html/comparison.ts';
