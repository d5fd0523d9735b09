// Kills processes of `predict --shared` with SIGKILL, and compares what the others write with what one process writes.
//   node scripts/kill-shared.mjs [NUMBER OF KILLS, default 50]
// Builds the package, whose command starts faster than the sources. Three processes at a time share the detection in an image;
// each is killed, interrupted (SIGINT) or stopped for longer than its lease (SIGSTOP, SIGCONT), at a random event of the file
// system in the queue or at a random time, and replaced, until one ends. At the end the files must be those of one process,
// byte for byte, and nothing else may be left; then the next folder begins. Ends with a table and, if anything was wrong, with
// status 1.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeDataset, writeSquares } from './support/squares.mjs';

const WANTED = Number(process.argv[2] ?? 50);
const WORKERS = 3;
const LEASE = 2;
/** At most this many events of the file system, or milliseconds after the first of them, until a signal. */
const EVENTS = 60;
const TIME = 5000;
const root = mkdtempSync(join(tmpdir(), 'retinagrad-kill-'));
const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const at = (...path) => join(root, ...path);

/** Writes an image with rows of bright squares. */
function writeImage(name, width, height) {
  const corners = [];
  for (let y = 10; y < height; y += 50) for (let x = 8; x < width; x += 40) corners.push([x, y]);
  writeSquares(at('in', name), width, height, corners);
}

/** Runs the command. `disturb` gets the process. */
function run(args, disturb = () => () => undefined) {
  const child = spawn(process.execPath, [command, ...args, '--quiet'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const end = disturb(child);
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part));
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      end();
      resolve({ code, signal, text });
    });
  });
}

const table = new Map();
const counts = { SIGKILL: 0, SIGINT: 0, SIGSTOP: 0 };
const kindOf = (name) => (name ?? '').replaceAll(/\d+|[\w-]{36}/g, '*');

/** Disturbs a process once: at an event in the folder of the queue, or at a time after the first one. */
const disturbing = (folder) => (child) => {
  const roll = Math.random();
  const signal = roll < 0.7 ? 'SIGKILL' : roll < 0.85 ? 'SIGINT' : 'SIGSTOP';
  const event = Math.random() < 0.6 ? 1 + Math.floor(Math.random() * EVENTS) : null;
  let [events, timer, watcher, isOver] = [0, null, null, false];
  const strike = (where) => {
    if (isOver) return;
    isOver = true;
    child.kill(signal);
    counts[signal]++;
    table.set(`${signal} at ${where}`, (table.get(`${signal} at ${where}`) ?? 0) + 1);
    if (signal === 'SIGSTOP') setTimeout(() => child.kill('SIGCONT'), LEASE * 2000);
  };
  const poll = setInterval(() => {
    if (!existsSync(folder)) return;
    clearInterval(poll);
    watcher = watch(folder, (kind, name) => {
      if (++events === event) strike(`${kind} of ${kindOf(name)}`);
    });
    watcher.on('error', () => undefined);
    if (event === null) timer = setTimeout(strike, Math.random() * TIME, 'a random time');
  }, 20);
  return () => {
    isOver = true;
    clearInterval(poll);
    clearTimeout(timer);
    watcher?.close();
  };
};

await import('./build.mjs');
writeDataset(
  at('data'),
  Array.from({ length: 6 }, () => [8, 10]),
);
const settings = ['data.checks=false', 'model.network=tiny', 'model.anchors=octaves', 'train.epochs=2'];
const trained = await run(['train', at('data'), ...settings, '--out', at('run')]);
if (trained.code !== 0) throw new Error(`the training failed: ${trained.text}`);
mkdirSync(at('in'));
writeImage('large.png', 700, 650);
writeImage('small.png', 64, 100);
const how = [at('in'), '--weights', at('run', 'last.safetensors'), '--threshold', '0', '--format', 'csv,geojson,coco'];
const args = ['predict', ...how, '--max-detections', '20', '--map'];
const namesIn = (folder) => readdirSync(folder, { recursive: true }).sort((a, b) => (a < b ? -1 : 1));
await run([...args, '--out', at('alone')]);
const expected = namesIn(at('alone'));
if (!expected.includes('predictions.csv')) throw new Error('one process alone found nothing');

const problems = [];
let [folders, taken, shown] = [0, 0, 0];
const total = () => counts.SIGKILL + counts.SIGINT + counts.SIGSTOP;
while (total() < WANTED) {
  const out = at(`shared-${++folders}`);
  const shared = [...args, '--out', out, '--shared', '--lease', String(LEASE)];
  const isFinished = () => existsSync(join(out, 'queue', 'finished.json'));
  const work = async () => {
    while (!isFinished()) {
      const disturb = total() < WANTED ? disturbing(join(out, 'queue')) : undefined;
      const { code, signal, text } = await run(shared, disturb);
      taken += text.match(/is taken over/g)?.length ?? 0;
      // Images without a georeference are missing in the layer: status 1, of the process that writes.
      // SIGINT before the command handles it ends it as it ends any process.
      const isExpected =
        ['SIGKILL', 'SIGINT'].includes(signal) || code === 130 || code === 0 || (code === 1 && isFinished());
      if (!isExpected) problems.push(`${out}: status ${code}, ${signal}: ${text}`);
      if (/damaged/.test(text)) problems.push(`${out}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  const isLeft = (name) => name.startsWith('queue') || /\.partial$|^\.writing-/.test(name);
  const names = namesIn(out).filter((name) => !isLeft(name));
  if (names.join() !== expected.join()) problems.push(`${out} has ${names.join()}, expected ${expected.join()}`);
  for (const name of expected.filter((file) => /\.(csv|json|geojson|png)$/.test(file))) {
    const [one, all] = [at('alone', name), join(out, name)];
    if (existsSync(all) && !readFileSync(one).equals(readFileSync(all))) problems.push(`${all} differs`);
  }
  for (const problem of problems.slice(shown)) console.log(problem);
  shown = problems.length;
  console.log(
    `${total()} of ${WANTED} signals, ${folders} folders, ${taken} pieces taken over, ${problems.length} problems`,
  );
}
console.log('\n| signal | times |\n|---|--:|');
for (const [name, count] of [...table].sort((a, b) => b[1] - a[1])) console.log(`| ${name} | ${count} |`);
const list = Object.entries(counts).map(([signal, count]) => `${count} ${signal}`);
console.log(`\n${list.join(', ')} in ${folders} folders, ${taken} pieces taken over: ${problems.length} problems`);
if (problems.length === 0) rmSync(root, { recursive: true });
else console.log(`the files are in ${root}`);
process.exitCode = problems.length === 0 ? 0 : 1;
