// Counts the lines of each room of src, and fails when a room has more lines of code than its budget.
//   node scripts/lines.mjs
// Only code counts against the budget: comments and blank lines are free. A change that needs more room raises the budget
// here, so that growth is decided in review instead of noticed years later.
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Lines of code that each room may have: its size on 2026-11-26 and 5 % more, at least 50. The kernels' WGSL is a room, as
 * are the formats of other tools. Recorded steps took 300 in tensor and 130 in nn,
 * `retinagrad tune` 50 in node, 230 in measure and 90 in cli; batch norm of few rows 130 in kernels/wgsl and 90 in kernels, where
 * launches of products that are chosen apart from their operands took 40; the refusal of processes without MPI 20 in distributed;
 * recorded training steps and the memory that they share 220 in tensor, and their measurement 60 in measure; loops in Winograd's
 * kernels 20 in kernels and 20 in kernels/wgsl; initial values that are not drawn 20 in nn. Convolutions became a room of their own when
 * plans of all their steps took 200; kernels with as many slots as an adapter allows took 40 in kernels.
 */
const BUDGETS = {
  entries: 690,
  common: 1150,
  tensor: 2420,
  kernels: 2960,
  'kernels/convolution': 1410,
  'kernels/wgsl': 4110,
  autograd: 3400,
  nn: 1780,
  imagery: 1400,
  'imagery/node': 2420,
  'imagery/tiff': 1060,
  vector: 1420,
  labels: 2500,
  'labels/node': 2050,
  'labels/tools': 790,
  synthetic: 820,
  data: 2760,
  evaluation: 2360,
  report: 3530,
  retinanet: 1300,
  weights: 1580,
  node: 360,
  detector: 1670,
  train: 2500,
  export: 1060,
  doctor: 2690,
  distributed: 640,
  task: 2860,
  measure: 1960,
  cli: 3350,
};
/**
 * No room may have a larger budget than this; one that outgrows it is divided. The kernels of about 150 operations are one
 * launcher and one or two WGSL files each, which a division would only spread.
 */
const LARGEST = 4200;

/** Files that other scripts write. */
const GENERATED = /\.wgsl\.ts$|epsg-table\.ts$/;

const src = new URL('../src/', import.meta.url);

/** The room of a file of src: its first folder, or the first two if they have a budget; `entries` for the files of src itself. */
function roomOf(file) {
  const folders = file.split('/').slice(0, -1);
  if (folders.length === 0) return 'entries';
  const inner = folders.slice(0, 2).join('/');
  return inner in BUDGETS ? inner : folders[0];
}

/** How many lines of a text are code, comment and blank. A line with both code and a comment is code. */
function countLines(text) {
  const counts = { code: 0, comment: 0, blank: 0 };
  let isInBlock = false;
  for (const line of text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim())) {
    if (line === '') counts.blank++;
    else if (isInBlock || line.startsWith('//') || line.startsWith('/*')) {
      counts.comment++;
      isInBlock = (isInBlock || line.startsWith('/*')) && !line.includes('*/');
    } else counts.code++;
  }
  return counts;
}

const rooms = new Map(Object.keys(BUDGETS).map((room) => [room, { files: 0, code: 0, comment: 0, blank: 0 }]));
for (const entry of readdirSync(src, { recursive: true })) {
  const file = entry.replaceAll('\\', '/');
  if (!/\.(?:ts|wgsl|js)$/.test(file) || GENERATED.test(file)) continue;
  const room = roomOf(file);
  const counts = countLines(readFileSync(new URL(file, src), 'utf8'));
  const sums = rooms.get(room) ?? { files: 0, code: 0, comment: 0, blank: 0 };
  rooms.set(room, {
    files: sums.files + 1,
    code: sums.code + counts.code,
    comment: sums.comment + counts.comment,
    blank: sums.blank + counts.blank,
  });
}

const total = { files: 0, code: 0, comment: 0, blank: 0 };
const problems = [];
const rows = [['room', 'files', 'code', 'budget', 'comment', 'blank']];
for (const [room, { files, code, comment, blank }] of rooms) {
  const budget = BUDGETS[room];
  rows.push([room, files, code, budget ?? 'none', comment, blank]);
  if (budget === undefined) problems.push(`src/${room} has no budget: add one to scripts/lines.mjs`);
  else if (files === 0) problems.push(`${room} has a budget and no file: remove it from scripts/lines.mjs`);
  else if (budget > LARGEST) problems.push(`the budget of ${room} is ${budget}, the maximum is ${LARGEST}`);
  else if (code > budget) problems.push(`${room} has ${code} lines of code, its budget is ${budget}`);
  total.files += files;
  total.code += code;
  total.comment += comment;
  total.blank += blank;
}
rows.push(['total', total.files, total.code, '', total.comment, total.blank]);
for (const [room, ...figures] of rows) {
  console.log(room.padEnd(14) + figures.map((figure) => String(figure).padStart(9)).join(''));
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
