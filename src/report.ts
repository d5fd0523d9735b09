// Charts and pictures: what `retinagrad/report` exports.
export { lossChart, precisionRecallChart } from './report/charts.ts';
export { contactSheet, detectionPicture } from './report/pictures.ts';
export { drawBox, drawText, enlarge, type Colour } from './report/draw.ts';
export { lineChart, stackCharts } from './report/svg-chart.ts';
