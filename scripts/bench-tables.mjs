// Writes the tables of docs/performance.md and README.md, and the charts, from the results in bench/results/.
//   node scripts/bench-tables.mjs           writes what changed
//   node scripts/bench-tables.mjs --check   fails when a table or a chart is stale
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { register } from 'tsx/esm/api';

register();
const { peersTable, shortPeersTable } = await import('../bench/peers/tables.ts');
const { flameChart } = await import('../src/measure/parts.ts');
const { lineChart } = await import('../src/report/charts/svg-chart.ts');

const root = new URL('../', import.meta.url);
const check = process.argv.includes('--check');
const folder = new URL('bench/results/', root);
const results = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .sort()
  .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')));

const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
const where = ({ adapter, processor, date, versions, commit, ceiling }) =>
  `${adapter.name.trim()}, ${processor.cores} cores of ${processor.model}, Node ${versions.node.slice(1)}, ${date}, commit ` +
  `${commit}. Ceiling: ${ceiling.gflops.toFixed(0)} GFLOP/s, ${ceiling.gbps.toFixed(1)} GB/s.`;
const time = ({ timing }) => (timing.cpu ?? timing.wall).median;
const milliseconds = (value) => `${value.toFixed(value < 10 ? 2 : value < 1000 ? 1 : 0)} ms`;

/** The kernels' rates; a convolution's forward pass and gradients side by side. */
function kernels() {
  return results
    .filter(({ cases }) => cases.some(({ rate }) => rate !== undefined))
    .map((result) => {
      const rates = new Map(result.cases.map(({ name, rate }) => [name, rate]));
      const cell = (rate) => (rate ? `${rate.value.toFixed(1)} (${(100 * rate.share).toFixed(0)} %)` : '');
      const convs = [...new Set([...rates.keys()].map((name) => /^(conv .*) (forward|dx|dw)$/.exec(name)?.[1]))];
      const convRows = convs
        .filter(Boolean)
        .map((name) => [name, ...['forward', 'dx', 'dw'].map((kind) => cell(rates.get(`${name} ${kind}`)))]);
      const others = [...rates].filter(([name]) => !name.startsWith('conv '));
      const otherRows = others.map(([name, rate]) => [name, `${cell(rate)} ${rate.unit}`]);
      return [
        where(result),
        table(['GFLOP/s (share of ceiling)', 'forward', 'dx', 'dw'], convRows),
        table(['kernel', 'rate (share of ceiling)'], otherRows),
      ].join('\n\n');
    })
    .join('\n\n');
}

function whole() {
  return results
    .filter(({ cases }) => cases.some(({ figures }) => figures !== undefined))
    .map((result) => {
      const rows = result.cases.map((measured) => {
        const { imagesPerSecond, peakBytes } = measured.figures;
        const peak = peakBytes === undefined ? '' : `${(peakBytes / 1e6).toFixed(0)} MB`;
        return [measured.name, milliseconds(time(measured)), imagesPerSecond.toFixed(2), peak];
      });
      return `${where(result)}\n\n${table(['run', 'time', 'images per second', 'peak memory'], rows)}`;
    })
    .join('\n\n');
}

/** The longest parts of each run, and those that are asked for by name. */
function parts() {
  const PARTS = 14;
  const NAMED =
    /^(stem|images|anchors|matching|focal loss|box loss|sums of losses|post-processing|suppression|data loading)/;
  return results
    .flatMap((result) => (result.parts ?? []).map((run) => ({ ...run, result })))
    .map(({ what, milliseconds: total, parts: list, result }) => {
      const sorted = [...list].sort((a, b) => b.milliseconds - a.milliseconds);
      const shown = sorted.filter(({ name }, i) => i < PARTS || NAMED.test(name));
      const rest = sorted.filter((part) => !shown.includes(part));
      if (rest.length > 0) {
        const sum = (key) => rest.reduce((all, part) => all + part[key], 0);
        shown.push({
          name: `${rest.length} more`,
          milliseconds: sum('milliseconds'),
          dispatches: sum('dispatches'),
          bytes: sum('bytes'),
        });
      }
      const rows = shown.map((part) => [
        part.name,
        milliseconds(part.milliseconds),
        `${((100 * part.milliseconds) / total).toFixed(1)} %`,
        part.dispatches,
        part.bytes === 0 ? '' : `${(part.bytes / 1e6).toFixed(part.bytes < 1e7 ? 1 : 0)} MB`,
      ]);
      return `One ${what} of ResNet-50, 256 px, profiled, ${milliseconds(total)}. ${where(result)}\n\n${table(['part', 'time', 'share', 'dispatches', 'buffers bound'], rows)}`;
    })
    .join('\n\n');
}

/** Other libraries beside this one. */
const peers = (make) =>
  results
    .filter(({ kind }) => kind === 'peers')
    .map(make)
    .join('\n\n');

const tables = {
  kernels: kernels(),
  whole: whole(),
  parts: parts(),
  peers: peers(peersTable),
  'peers-short': peers(shortPeersTable),
};
/** Images per second against the batch, a line for each network and image size. */
function throughput() {
  const lines = new Map();
  for (const { adapter, cases } of results) {
    for (const { name, figures } of cases) {
      const found = /^(ResNet-\d+ \d+ px), batch (\d+), training step$/.exec(name);
      if (found === null || figures === undefined) continue;
      const key = `${found[1]}, ${adapter?.name.split(/[ :]/)[0]}`;
      const line = lines.get(key) ?? { name: key, x: [], y: [] };
      line.x.push(Number(found[2]));
      line.y.push(figures.imagesPerSecond);
      lines.set(key, line);
    }
  }
  const labels = { xLabel: 'images in a batch', yLabel: 'images per second' };
  return lineChart({ title: 'Training steps', ...labels, series: [...lines.values()], yMin: 0 });
}

const files = new Map(
  ['docs/performance.md', 'README.md'].map((file) => [
    file,
    (before) =>
      before.replace(
        /(<!-- bench:begin ([\w-]+) -->\n)[^]*?(<!-- bench:end \2 -->)/g,
        (_, begin, name, end) => `${begin}\n${tables[name]}\n\n${end}`,
      ),
  ]),
);
for (const part of results.flatMap((result) => result.parts ?? [])) {
  files.set(`docs/images/${part.what.replace(' ', '-')}.svg`, () => flameChart(part));
}
files.set('docs/images/throughput.svg', throughput);
for (const [file, make] of files) {
  const url = new URL(file, root);
  const before = existsSync(url) ? readFileSync(url, 'utf8') : '';
  const after = make(before);
  if (after === before) continue;
  if (check) {
    console.error(`${file} is stale. Run: node scripts/bench-tables.mjs`);
    process.exitCode = 1;
  } else writeFileSync(url, after);
}
