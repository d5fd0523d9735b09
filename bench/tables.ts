// Writes the tables of docs/performance.md and README.md, and the charts, from the results in bench/results.
//   npm run bench:tables               writes what has changed
//   npm run bench:tables -- --check    fails if a table or a chart is stale
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { flameChart, type BenchResult, type Measured, type PartsResult } from '../src/bench-node.ts';
import { lineChart } from '../src/report/charts/svg-chart.ts';
import { table } from './markdown.ts';
import type { PeersResult } from './peers/report.ts';
import { peersTable, shortPeersTable } from './peers/tables.ts';

/** A result of `retinagrad bench`, as `--out` writes it. */
type OwnResult = BenchResult & { readonly parts?: readonly PartsResult[] };

const root = new URL('../', import.meta.url);

const folder = new URL('bench/results/', root);
const results = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .sort()
  .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as OwnResult | PeersResult);
const isPeers = (result: OwnResult | PeersResult): result is PeersResult => 'kind' in result;
const ownResults = results.filter((result): result is OwnResult => !isPeers(result));
const peersResults = results.filter(isPeers);

/** The machine and the versions of a result. */
const origin = ({ adapter, processor, date, versions, commit, ceiling }: BenchResult): string =>
  `${adapter.name.trim()}, ${processor.cores} cores of ${processor.model}, Node ${versions.node!.slice(1)}, ${date}, commit ` +
  `${commit}. Ceiling: ${ceiling.gflops.toFixed(0)} GFLOP/s, ${ceiling.gbps.toFixed(1)} GB/s.`;

const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : value < 1000 ? 1 : 0)} ms`;

const rateCell = (rate: Measured['rate']): string =>
  rate === undefined ? '' : `${rate.value.toFixed(1)} (${(100 * rate.share).toFixed(0)} %)`;

/** Whether these are steps of the kernel ladder. */
const isLadder = (cases: readonly Measured[]): boolean =>
  cases.some(({ figures }) => figures?.['speedup'] !== undefined);

/** The steps of the kernel ladder, with a column for each adapter. */
function ladderTable(): string {
  const measured = ownResults.filter(({ cases }) => isLadder(cases));
  const names = [...new Set(measured.flatMap(({ cases }) => cases.map(({ name }) => name.split(':')[0]!)))].sort();
  const rows = names.map((name) => {
    const cases = measured.map(({ cases }) => cases.find((measured) => measured.name.startsWith(`${name}:`)));
    const modelled = cases.find((found) => found?.figures?.['modelled'] !== undefined)?.figures?.['modelled'];
    const cells = cases.map((found) =>
      found === undefined ? '' : `${found.rate!.value.toFixed(2)} (${found.figures!['speedup']!.toFixed(1)}x)`,
    );
    return [name, ...cells, modelled === undefined ? '' : `${(100 * modelled).toFixed(0)} %`];
  });
  const adapters = measured.map(({ adapter }) => adapter.name.split(/[ :]/)[0]!);
  return [...measured.map(origin), table(['GFLOP/s (x first step)', ...adapters, 'GPU, modelled'], rows)].join('\n\n');
}

/** The kernels' rates; a convolution's forward pass and gradients in one row. */
function kernelTables(): string {
  const measured = ownResults.filter(({ cases }) => !isLadder(cases) && cases.some(({ rate }) => rate !== undefined));
  return measured
    .map((result) => {
      const rates = new Map(result.cases.map(({ name, rate }) => [name, rate]));
      const convs = new Set([...rates.keys()].flatMap((name) => /^(conv .*) (?:forward|dx|dw)$/.exec(name)?.[1] ?? []));
      const convRows = [...convs].map((name) => [
        name,
        ...['forward', 'dx', 'dw'].map((kind) => rateCell(rates.get(`${name} ${kind}`))),
      ]);
      const others = [...rates].filter(([name]) => !name.startsWith('conv '));
      const otherRows = others.map(([name, rate]) => [name, `${rateCell(rate)} ${rate?.unit}`]);
      return [
        origin(result),
        table(['GFLOP/s (% of ceiling)', 'forward', 'dx', 'dw'], convRows),
        table(['kernel', 'rate (% of ceiling)'], otherRows),
      ].join('\n\n');
    })
    .join('\n\n');
}

/** Training steps and inference of whole networks. */
function wholeTables(): string {
  const measured = ownResults.filter(
    ({ cases }) => !isLadder(cases) && cases.some(({ figures }) => figures !== undefined),
  );
  return measured
    .map((result) => {
      const rows = result.cases.map(({ name, timing, figures = {} }) => {
        const { imagesPerSecond = 0, peakBytes } = figures;
        const peak = peakBytes === undefined ? '' : `${(peakBytes / 1e6).toFixed(0)} MB`;
        return [name, milliseconds((timing.cpu ?? timing.wall).median), imagesPerSecond.toFixed(2), peak];
      });
      return `${origin(result)}\n\n${table(['run', 'time', 'images per second', 'peak memory'], rows)}`;
    })
    .join('\n\n');
}

/** Rows of a profile. The others are added up in one more row. */
const LONGEST_PARTS = 14;
/** Parts that have a row however short they are. */
const NAMED_PARTS =
  /^(stem|images|anchors|matching|focal loss|box loss|sums of losses|post-processing|suppression|data loading)/;

/** The longest parts of a profiled run, and those that the documentation names. */
function partsTable({ what, milliseconds: total, parts }: PartsResult, result: BenchResult): string {
  const sorted = [...parts].sort((a, b) => b.milliseconds - a.milliseconds);
  const shown: Omit<PartsResult['parts'][number], 'kernels'>[] = sorted.filter(
    ({ name }, i) => i < LONGEST_PARTS || NAMED_PARTS.test(name),
  );
  const rest = sorted.filter((part) => !shown.includes(part));
  const sum = (key: 'milliseconds' | 'dispatches' | 'bytes'): number => rest.reduce((all, part) => all + part[key], 0);
  if (rest.length > 0) {
    const name = `${rest.length} more`;
    shown.push({ name, milliseconds: sum('milliseconds'), dispatches: sum('dispatches'), bytes: sum('bytes') });
  }
  const rows = shown.map((part) => [
    part.name,
    milliseconds(part.milliseconds),
    `${((100 * part.milliseconds) / total).toFixed(1)} %`,
    `${part.dispatches}`,
    part.bytes === 0 ? '' : `${(part.bytes / 1e6).toFixed(part.bytes < 1e7 ? 1 : 0)} MB`,
  ]);
  return (
    `One ${what} of ResNet-50, 256 px, profiled, ${milliseconds(total)}. ${origin(result)}\n\n` +
    table(['part', 'time', '% of time', 'dispatches', 'buffers bound'], rows)
  );
}

/** Images per second against the batch size, a line for each network and image size. */
function throughputChart(): string {
  const lines = new Map<string, { name: string; x: number[]; y: number[] }>();
  for (const { adapter, cases } of ownResults) {
    for (const { name, figures } of cases) {
      const found = /^(ResNet-\d+ \d+ px), batch (\d+), training step$/.exec(name);
      if (found === null || figures === undefined) continue;
      const key = `${found[1]}, ${adapter.name.split(/[ :]/)[0]}`;
      const line = lines.get(key) ?? { name: key, x: [], y: [] };
      line.x.push(Number(found[2]));
      line.y.push(figures['imagesPerSecond']!);
      lines.set(key, line);
    }
  }
  const labels = { xLabel: 'images in a batch', yLabel: 'images per second' };
  return lineChart({ title: 'Training steps', ...labels, series: [...lines.values()], yMin: 0 });
}

const profiles = ownResults.flatMap((result) => (result.parts ?? []).map((profile) => ({ profile, result })));
const tables: Readonly<Record<string, string>> = {
  kernels: kernelTables(),
  whole: wholeTables(),
  ladder: ladderTable(),
  parts: profiles.map(({ profile, result }) => partsTable(profile, result)).join('\n\n'),
  peers: peersResults.map(peersTable).join('\n\n'),
  'peers-short': peersResults.map(shortPeersTable).join('\n\n'),
};

/** A page with its tables as the results have them. */
const withTables = (page: string): string =>
  page.replace(
    /(<!-- bench:begin ([\w-]+) -->\n)[^]*?(<!-- bench:end \2 -->)/g,
    (_, begin: string, name: string, end: string) => `${begin}\n${tables[name]}\n\n${end}`,
  );

const read = (file: string): string =>
  existsSync(new URL(file, root)) ? readFileSync(new URL(file, root), 'utf8') : '';
const files: Readonly<Record<string, string>> = {
  'docs/performance.md': withTables(read('docs/performance.md')),
  'README.md': withTables(read('README.md')),
  'bench/ladder/README.md': withTables(read('bench/ladder/README.md')),
  'docs/images/throughput.svg': throughputChart(),
  ...Object.fromEntries(
    profiles.map(({ profile }) => [`docs/images/${profile.what.replace(' ', '-')}.svg`, flameChart(profile)]),
  ),
};
for (const [file, text] of Object.entries(files)) {
  if (text === read(file)) continue;
  if (process.argv.includes('--check')) {
    console.error(`${file} is stale. Run: npm run bench:tables`);
    process.exitCode = 1;
  } else writeFileSync(new URL(file, root), text);
}
