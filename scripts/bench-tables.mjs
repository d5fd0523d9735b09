// Writes the tables of docs/performance.md and README.md from the results in bench/results/.
//   node scripts/bench-tables.mjs           writes what changed
//   node scripts/bench-tables.mjs --check   fails when a table is stale
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { register } from 'tsx/esm/api';

register();
const { peersTable, shortPeersTable } = await import('../bench/peers/tables.ts');

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

/** The longest parts of each run. */
function parts() {
  const PARTS = 14;
  return results
    .flatMap((result) => (result.parts ?? []).map((run) => ({ ...run, result })))
    .map(({ what, milliseconds: total, parts: list, result }) => {
      const sorted = [...list].sort((a, b) => b.milliseconds - a.milliseconds);
      const rest = sorted.slice(PARTS);
      const shown = sorted.slice(0, PARTS);
      if (rest.length > 0) {
        const sum = (key) => rest.reduce((all, part) => all + part[key], 0);
        shown.push({ name: `${rest.length} more`, milliseconds: sum('milliseconds'), dispatches: sum('dispatches') });
      }
      const rows = shown.map((part) => [
        part.name,
        milliseconds(part.milliseconds),
        `${((100 * part.milliseconds) / total).toFixed(1)} %`,
        part.dispatches,
      ]);
      return `One ${what} of ResNet-50, 256 px, profiled, ${milliseconds(total)}. ${where(result)}\n\n${table(['part', 'time', 'share', 'dispatches'], rows)}`;
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
for (const file of ['docs/performance.md', 'README.md']) {
  const url = new URL(file, root);
  const before = readFileSync(url, 'utf8');
  const after = before.replace(
    /(<!-- bench:begin ([\w-]+) -->\n)[^]*?(<!-- bench:end \2 -->)/g,
    (_, begin, name, end) => `${begin}\n${tables[name]}\n\n${end}`,
  );
  if (after === before) continue;
  if (check) {
    console.error(`${file} has stale tables. Run: node scripts/bench-tables.mjs`);
    process.exitCode = 1;
  } else writeFileSync(url, after);
}
