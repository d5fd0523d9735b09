import { table } from '../markdown.ts';
import { describe, ratioToBest, type PeerCaseResult, type PeersResult } from './report.ts';

// The tables of docs/performance.md and README.md.

const OURS = 'retinagrad';
/** Cases that stand for the others in a short table. */
const SHORT = [
  'matmul 1024x1024x1024',
  'conv 3x3 256->256 @32x32 forward',
  'conv 3x3 256->256 @32x32 dx',
  'conv 3x3 256->256 @32x32 dw',
  'batch norm forward + backward [1,64,64,256]',
  'RetinaNet ResNet-50 256 px, training step',
  'RetinaNet ResNet-50 256 px, forward with NMS',
];

type LibraryHead = PeersResult['libraries'][number];

/** Where and with what a result was measured. */
function origin({ adapter, processor, date, commit, versions }: PeersResult): string {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version.replace(/^v/, '')}`);
  const measure = adapter.kind === 'software' ? 'CPU time divided by the number of cores' : 'Wall time';
  return (
    `${adapter.name}, ${processor.cores} cores of ${processor.model}, ${date}, commit ${commit}. ${measure}. ` +
    `Versions: ${list.join(', ')}.`
  );
}

/** `2.1x`, or nothing if no other library has a correct result. */
function ratioCell(result: PeerCaseResult, libraries: readonly LibraryHead[]): string {
  const others = libraries.filter(({ key, runsOn }) => key !== OURS && runsOn === 'adapter').map(({ key }) => key);
  const ratio = ratioToBest(result, OURS, others);
  return ratio === null ? '' : `${ratio.toFixed(1)}x`;
}

function comparison(cases: readonly PeerCaseResult[], all: PeersResult, shown: readonly LibraryHead[]): string {
  const rows = cases.map((result) => [
    result.name,
    ...shown.map(({ key }) => describe(result.work, result.libraries[key] ?? {})),
    ratioCell(result, all.libraries),
  ]);
  return table(['case', ...shown.map(({ title }) => title), 'speed-up over the best other on WebGPU'], rows);
}

/** First steps and memory of the whole network. */
function whole({ cases, libraries }: PeersResult): string {
  const megabytes = (bytes: number | undefined): string =>
    bytes === undefined ? '' : `${(bytes / 1e6).toFixed(0)} MB`;
  const rows = cases
    .filter(({ work }) => work === undefined)
    .flatMap(({ name, libraries: measured }) =>
      libraries.flatMap(({ key, title }) => {
        const { timing, first, gpuBytes, residentBytes } = measured[key] ?? {};
        if (timing === undefined || first === undefined) return [];
        return [[`${name}: ${title}`, `${(first / 1000).toFixed(1)} s`, megabytes(gpuBytes), megabytes(residentBytes)]];
      }),
    );
  return table(['run', 'first run, nothing compiled', 'peak GPU memory', 'peak process memory'], rows);
}

/** Every case with every library, and the memory and first steps of the whole network. */
export function peersTable(result: PeersResult): string {
  return [origin(result), comparison(result.cases, result, result.libraries), whole(result)].join('\n\n');
}

/** A few cases with the libraries that run on the adapter. */
export function shortPeersTable(result: PeersResult): string {
  const cases = result.cases.filter(({ name }) => SHORT.includes(name));
  const shown = result.libraries.filter(({ runsOn }) => runsOn === 'adapter');
  return comparison(cases, result, shown);
}
