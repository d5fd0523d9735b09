// Breaks trainings of several ranks in every way that docs/distributed.md names, by the real command, and resumes them.
//   node scripts/kill-ranks.mjs [REGULAR EXPRESSION OF CASES]
// Builds the package first. Needs the mpirun of Open MPI or MPICH; each case runs with both if both are there. A training of two ranks
// is disturbed at its sixth step; then the time until all its processes have ended, its exit status, the reason that it prints and
// the step of its state are looked at, and it is resumed on four ranks (or one) until it is finished. Ends with a table and, if
// anything was wrong, with status 1.
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { mpiLaunchers } from './support/mpi-launchers.mjs';
import { writeDataset } from './support/squares.mjs';

const wanted = new RegExp(process.argv[2] ?? '');
const STEP = 6;
const package_ = fileURLToPath(new URL('..', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'retinagrad-ranks-'));
const at = (...path) => join(root, ...path);
const launchers = mpiLaunchers();
if (launchers.length === 0) throw new Error('no mpirun: apt install openmpi-bin libopenmpi3 mpich');

const corners = Array.from({ length: 24 }, (_, k) => [5 + ((k * 7) % 30), 10]);

/** Starts ranks in a process group of their own, as a shell does. Each item of `ranks` is the folder and the package of a rank. */
function start(launcher, ranks, args) {
  const parts = ranks.map(({ folder = root, code = package_ }) => {
    return ['-n', '1', '-wdir', folder, process.execPath, join(code, 'dist/cli/main.js'), ...args];
  });
  const line = parts.flatMap((part, i) => (i === 0 ? part : [':', ...part]));
  const [file, ...options] = [...launcher.command, ...line];
  const child = spawn(file, options, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
  const run = { child, text: '', ended };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part) => (run.text += part));
  return run;
}

/** The processes whose command line has a text, with their rank: those of one case, because it has the folder of its run. */
function processes(text) {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      if (!line.some((arg) => arg.endsWith('main.js')) || !line.includes(text) || line[0] !== process.execPath)
        return [];
      const environment = Object.fromEntries(
        readFileSync(`/proc/${pid}/environ`, 'utf8')
          .split('\0')
          .map((pair) => pair.split('=')),
      );
      const rank = Number(environment.OMPI_COMM_WORLD_RANK ?? environment.PMI_RANK);
      const isSmall =
        environment.OMPI_COMM_WORLD_RANK !== undefined && environment.RETINAGRAD_RANK_PARENT === undefined;
      return [{ pid: Number(pid), rank, isSmall }];
    } catch {
      return []; // It has ended.
    }
  });
}
/** The process that trains as a rank. */
const rankOf = (out, rank) => processes(out).find((process) => process.rank === rank && !process.isSmall).pid;

const stepsIn = (out) => {
  const file = join(out, 'metrics.jsonl');
  return existsSync(file)
    ? [...readFileSync(file, 'utf8').matchAll(/"kind":"step","step":(\d+)/g)].map(([, step]) => Number(step))
    : [];
};
const stateStep = (out) => {
  for (const name of ['state.safetensors', 'state.1.safetensors']) {
    const file = join(out, name);
    if (!existsSync(file)) continue;
    const bytes = readFileSync(file);
    const { __metadata__: metadata } = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE())));
    return JSON.parse(metadata.progress).steps;
  }
  return null;
};

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // It has ended.
  }
}
/** The cases: how the training is broken, and what must come of it. `loses`: steps that may be lost, of the twenty of the run. */
const cases = [
  { name: 'Ctrl-C in a terminal', strike: ({ child }) => kill(-child.pid, 'SIGINT'), loses: 0 },
  { name: 'SIGINT to mpirun', strike: ({ child }) => kill(child.pid, 'SIGINT'), loses: 0 },
  { name: 'SIGTERM to mpirun', strike: ({ child }) => kill(child.pid, 'SIGTERM'), loses: 0 },
  { name: 'SIGUSR2 to mpirun', only: 'Open MPI', strike: ({ child }) => kill(child.pid, 'SIGUSR2'), loses: 0 },
  { name: 'SIGKILL of mpirun', strike: ({ child }) => kill(child.pid, 'SIGKILL'), loses: STEP },
  { name: 'SIGKILL of rank 1', strike: ({ out }) => kill(rankOf(out, 1), 'SIGKILL'), loses: STEP },
  { name: 'SIGKILL of rank 0', strike: ({ out }) => kill(rankOf(out, 0), 'SIGKILL'), loses: STEP },
  {
    name: 'rank 1 hangs',
    strike: ({ out }) => kill(rankOf(out, 1), 'SIGSTOP'),
    loses: 0,
    says: /has waited 10 s for the others/,
  },
  {
    name: 'rank 0 hangs',
    strike: ({ out }) => kill(rankOf(out, 0), 'SIGSTOP'),
    loses: STEP,
    says: /has waited 10 s for the others/,
  },
  { name: 'Ctrl-C before the first step', strike: ({ child }) => kill(-child.pid, 'SIGINT'), early: true },
  {
    name: 'SIGKILL of rank 1 before the first step',
    strike: ({ out }) => kill(rankOf(out, 1), 'SIGKILL'),
    early: true,
  },
  {
    name: 'image of rank 1 removed',
    second: { folder: at('gone') },
    strike: () => {
      for (const file of readdirSync(at('gone', 'data'))) rmSync(at('gone', 'data', file));
    },
    loses: 0,
    says: /rank 1 failed: /,
  },
  { name: 'other labels', second: { folder: at('labels') }, refused: /data.*rank 0 and .* on rank 1/ },
  {
    name: 'other version',
    second: { code: at('package') },
    refused: /the version of rank 0 is .*, and that of rank 1 is 99/,
  },
];

/** Waits until something holds, and says for how many seconds; null after the limit. */
async function secondsUntil(limit, holds) {
  const begin = performance.now();
  while (!holds()) {
    if (performance.now() - begin > limit * 1000) return null;
    await setTimeout(50);
  }
  return (performance.now() - begin) / 1000;
}

async function runCase(launcher, { name, strike, second = {}, loses, says, early = false, refused }, number) {
  const out = at(`run-${number}`);
  const problems = [];
  for (const folder of ['gone', 'labels']) {
    rmSync(at(folder), { recursive: true, force: true });
    writeDataset(at(folder, 'data'), corners, folder === 'labels' ? 21 : 20);
  }
  const settings = [
    'data.checks=false',
    'model.network=tiny',
    'model.anchors=octaves',
    'train.epochs=4',
    'train.batchSize=4',
    'train.patience=null',
  ];
  const run = start(launcher, [{}, second], ['train', 'data', ...settings, '--out', out, '--rank-timeout', '10']);
  const { child } = run;
  let atStrike = 0;
  if (refused === undefined) {
    const isReady = early
      ? () => processes(out).filter(({ isSmall }) => !isSmall).length === 2 && existsSync(join(out, 'run.lock'))
      : () => stepsIn(out).length >= STEP;
    const waited = await secondsUntil(400, () => child.exitCode !== null || isReady());
    atStrike = Math.max(0, ...stepsIn(out));
    if (waited !== null && child.exitCode === null) strike({ child, out });
    else problems.push('ended or hung before it was disturbed');
  }
  const begin = performance.now();
  const status = await Promise.race([run.ended, setTimeout(200_000, 'no end')]);
  const launcherSeconds = (performance.now() - begin) / 1000;
  // A process that is stopped cannot notice that the others have ended, as one that hangs does.
  for (const { pid } of processes(out)) kill(pid, 'SIGCONT');
  const left = await secondsUntil(100, () => processes(out).length === 0);
  const seconds = left === null ? null : launcherSeconds + left;
  if (seconds === null) problems.push('processes are left');
  for (const { pid } of processes(out)) kill(pid, 'SIGKILL');
  if (status === 0 && refused === undefined && !/SIG|Ctrl/.test(name)) problems.push('status 0');
  const pattern = refused ?? says;
  if (pattern !== undefined && !pattern.test(run.text.replaceAll(/\s+/g, ' ')))
    problems.push(`does not say ${pattern}`);
  const state = stateStep(out);
  let resumed = '';
  if (refused === undefined && !early) {
    const last = Math.max(...stepsIn(out));
    if (last - (state ?? 0) > loses) problems.push(`lost ${last - state} steps`);
    const ranks = number % 2 === 0 ? 4 : 1;
    const again = start(
      launcher,
      Array.from({ length: ranks }, () => ({})),
      ['train', '--resume', out],
    );
    const code = await Promise.race([again.ended, setTimeout(280_000, 'no end')]);
    resumed = `${ranks}`;
    const after = stepsIn(out);
    const all = Math.max(...after);
    if (code !== 0) problems.push(`resumed: status ${code}: ${again.text.slice(-600)}`);
    if (new Set(after).size !== all || after.length !== all) problems.push(`resumed: steps ${after.join(' ')}`);
  }
  if (problems.length > 0) problems.push(run.text.slice(-1500));
  const row = {
    launcher: launcher.name,
    case: name,
    status,
    'mpirun, s': launcherSeconds.toFixed(1),
    'all, s': seconds?.toFixed(1) ?? '-',
    'struck after step': atStrike,
    'state of step': state ?? '-',
    'resumed on ranks': resumed,
    result: problems.length === 0 ? 'as it should' : 'WRONG',
  };
  console.log(JSON.stringify(row));
  for (const problem of problems) console.log(`  ${problem.replaceAll('\n', '\n  ')}`);
  return { row, problems };
}

await import('./build.mjs');
writeDataset(at('data'), corners);
mkdirSync(at('package'));
cpSync(join(package_, 'dist'), at('package', 'dist'), { recursive: true });
const description = JSON.parse(readFileSync(join(package_, 'package.json'), 'utf8'));
writeFileSync(at('package', 'package.json'), JSON.stringify({ ...description, version: '99.0.0' }));
symlinkSync(join(package_, 'node_modules'), at('package', 'node_modules'));
const results = [];
for (const chosen of cases.filter(({ name }) => wanted.test(name))) {
  for (const launcher of launchers.filter(({ name }) => name === (chosen.only ?? name)))
    results.push(await runCase(launcher, chosen, results.length));
}
console.table(results.map(({ row }) => row));
rmSync(root, { recursive: true, force: true });
process.exit(results.some(({ problems }) => problems.length > 0) ? 1 : 0);
