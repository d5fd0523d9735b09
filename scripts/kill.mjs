// Kills trainings with SIGKILL and resumes them, and compares what they leave with an uninterrupted training.
//   node scripts/kill.mjs [NUMBER OF KILLS, default 200]
// Builds the package, whose command starts faster than the sources. A training of a few small images saves after every step.
// It is killed again and again, at a random event of the file system in its folder or at a random time, until it ends; then
// the next one begins. After each kill every file must be whole, and resuming must not complain; at the end weights, state
// and metrics must be those of the uninterrupted training, byte for byte, and nothing else may be left. Ends with a table
// and, if anything was wrong, with status 1.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeDataset } from './support/squares.mjs';

const WANTED = Number(process.argv[2] ?? 200);
const root = mkdtempSync(join(tmpdir(), 'retinagrad-kill-'));
const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const settings = [
  'data.heldOut=0.3',
  'data.checks=false',
  'model.network=tiny',
  'model.anchors=octaves',
  'train.batchSize=2',
  'train.epochs=3',
  'train.learningRate=0.003',
  'train.saveMinutes=0',
];
/** At most this many events of the file system, or milliseconds after the first of them, until a kill. */
const EVENTS = 50;
const TIME = 3000;

/** Runs a training. `kill` decides when it is killed: never, or at an event or a time. Returns its end. */
function train(args, folder, kill) {
  const child = spawn(process.execPath, [command, 'train', ...args, '--quiet'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [text, events, timer, at] = ['', 0, undefined, ''];
  const end = (name) => {
    at = name;
    child.kill('SIGKILL');
  };
  mkdirSync(folder, { recursive: true });
  const watcher = watch(folder, (event, name) => {
    events++;
    if (kill?.events === events) end(`${event} of ${kindOf(name)}`);
    if (kill?.time !== undefined) timer ??= setTimeout(end, kill.time, 'a random time');
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part));
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      watcher.close();
      clearTimeout(timer);
      resolve({ code, isKilled: signal === 'SIGKILL', text, at });
    });
  });
}

/** A name of a file without what is random in it. */
const kindOf = (name) => (name ?? '').replace(/^\.(.*)\.[\w-]{36}\.partial$/, '$1 (partial)');

/** What is wrong in a folder after a kill. */
function damageOf(folder) {
  const problems = [];
  const check = (name, read) => {
    try {
      if (existsSync(join(folder, name))) read(readFileSync(join(folder, name)));
    } catch (error) {
      problems.push(`${name}: ${error.message}`);
    }
  };
  check('environment.json', (bytes) => JSON.parse(bytes));
  check('config.yaml', (bytes) => {
    if (!bytes.toString().includes('keepStates')) throw new Error('incomplete');
  });
  check('metrics.jsonl', (bytes) => bytes.toString().split('\n').slice(0, -1).forEach(JSON.parse));
  for (const name of readdirSync(folder).filter((file) => /^[^.].*\.safetensors$/.test(file))) {
    check(name, (bytes) => {
      const length = Number(bytes.readBigUInt64LE());
      const { __metadata__: _, ...tensors } = JSON.parse(bytes.subarray(8, 8 + length));
      const ends = Object.values(tensors).map((tensor) => tensor.data_offsets[1]);
      if (8 + length + Math.max(...ends) !== bytes.length) throw new Error('incomplete');
    });
  }
  return problems;
}

/** What a training computed: hashes of its weights and its metrics without timings; and the names of its files. */
function resultOf(folder) {
  const hash = (name) =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex')
      .slice(0, 16);
  const metrics = readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => ({ ...JSON.parse(line), imagesPerSecond: 0, waitSeconds: 0 }));
  const weights = ['state', 'last', 'best'].map((name) => hash(`${name}.safetensors`));
  return JSON.stringify({ weights, metrics, files: readdirSync(folder).sort() });
}

await import('./build.mjs');
const data = join(root, 'data');
writeDataset(
  data,
  Array.from({ length: 12 }, (_, i) => [4 + i * 2, 30 - i * 2]),
);
const started = await train([data, ...settings, '--out', join(root, 'whole')], join(root, 'whole'));
if (started.code !== 0) throw new Error(`the uninterrupted training failed: ${started.text}`);
const expected = resultOf(join(root, 'whole'));

const table = new Map();
const problems = [];
let [kills, runs] = [0, 0];
while (kills < WANTED) {
  const run = join(root, `killed-${++runs}`);
  let isEnded = false;
  while (!isEnded) {
    const isNew = !existsSync(join(run, 'config.yaml'));
    const kill =
      Math.random() < 0.6 ? { events: 1 + Math.floor(Math.random() * EVENTS) } : { time: Math.random() * TIME };
    const args = isNew ? [data, ...settings, '--out', run] : ['--resume', run];
    const { code, isKilled, text, at } = await train(args, run, kills < WANTED ? kill : undefined);
    isEnded = !isKilled;
    if (isKilled) {
      kills++;
      table.set(at, (table.get(at) ?? 0) + 1);
    } else if (code !== 0) problems.push(`run ${runs} ended with ${code}: ${text}`);
    else if (resultOf(run) !== expected) problems.push(`run ${runs} differs from the uninterrupted one`);
    if (/damaged|lack|missing/.test(text)) problems.push(`run ${runs}: ${text}`);
    problems.push(...damageOf(run).map((damage) => `run ${runs} after kill ${kills}: ${damage}`));
  }
  console.log(`${kills} of ${WANTED} kills, ${runs} trainings, ${problems.length} problems`);
}
console.log('\n| killed at | kills |\n|---|--:|');
for (const [at, count] of [...table].sort((a, b) => b[1] - a[1])) console.log(`| ${at} | ${count} |`);
console.log(`\n${kills} kills of ${runs} trainings: ${problems.length} problems`);
for (const problem of problems) console.log(problem);
if (problems.length === 0) rmSync(root, { recursive: true });
else console.log(`the files are in ${root}`);
process.exitCode = problems.length === 0 ? 0 : 1;
