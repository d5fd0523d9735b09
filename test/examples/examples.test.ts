import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

// The examples as a user runs them: as processes, in a folder of their own.

const cwd = mkdtempSync(join(tmpdir(), 'retinagrad-examples-'));
const test = suite('examples');
test.after(() => rmSync(cwd, { recursive: true }));

const scripts = {
  train: 'train-spacenet/train.ts',
  detect: 'detect/detect.ts',
  validate: 'validate/validate.ts',
} as const;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs an example; `onOutput` sees all output so far and may send a signal. */
function run(
  example: keyof typeof scripts,
  args: readonly string[],
  onOutput: (output: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
): Promise<Ended> {
  const script = fileURLToPath(new URL(`../../examples/${scripts[example]}`, import.meta.url));
  const child = spawn(
    process.execPath,
    ['--conditions', 'retinagrad-source', '--import', import.meta.resolve('tsx'), script, ...args],
    { cwd, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return new Promise((resolve, reject) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        onOutput(output, (signal) => child.kill(signal));
      });
    }
    child.on('error', reject).on('close', (code) => resolve({ code, output }));
  });
}

test('--help explains every option', async () => {
  for (const example of Object.keys(scripts) as (keyof typeof scripts)[]) {
    const { code, output } = await run(example, ['--help']);
    assert.is(code, 0, output);
    const source = readFileSync(
      new URL(`../../examples/${example === 'train' ? 'train-spacenet/config.ts' : scripts[example]}`, import.meta.url),
      'utf8',
    );
    const options = [...source.matchAll(/^ {2}'?([a-z-]+)'?: \{ type: '/gm)].map(([, name]) => name);
    assert.ok(options.length >= 5, `${example}: ${options.join()}`);
    for (const option of options) assert.match(output, `--${option}`);
  }
});

test('a wrong command line ends with status 2 and says what is wrong', async () => {
  for (const [example, args, reason] of [
    ['train', ['--epoch', '3'], "Unknown option '--epoch'"],
    ['train', ['--epochs', '0'], '--epochs is "0", expected a whole number from 1'],
    ['train', ['--model', 'huge'], '--model is "huge", expected one of tiny, small,'],
    ['train', ['--resume', 'runs/none'], 'runs/none holds no run'],
    ['detect', [], 'name at least one image'],
    ['detect', ['none.png'], 'there is no none.png'],
    ['validate', [], 'train with npm start'],
  ] as const) {
    const { code, output } = await run(example, args);
    assert.is(code, 2, output);
    assert.match(output, reason);
    assert.match(output, 'Try --help.');
  }
});

test('data that is not there ends with status 1 and names it', async () => {
  const { code, output } = await run('train', ['--data', 'no-such-folder']);
  assert.is(code, 1, output);
  assert.match(output, 'no-such-folder');
  assert.not.match(output, /^ +at /m, 'no stack');
});

test('train, interrupt, go on, detect, validate', async () => {
  let interrupted = false;
  const settings = ['--chips', '12', '--epochs', '2', '--checkpoint', '--out', 'run'];
  const first = await run('train', settings, (output, kill) => {
    if (!interrupted && output.includes('epoch 1/2')) {
      interrupted = true;
      kill('SIGINT');
    }
  });
  assert.is(first.code, 130, first.output);
  assert.match(first.output, /Saved after step \d of \d\. Go on with: npm start -- --resume run/);
  assert.not.ok(existsSync(join(cwd, 'run', 'best.safetensors')));

  const again = await run('train', ['--chips', '12', '--epochs', '2', '--out', 'run']);
  assert.is(again.code, 2, again.output);
  assert.match(again.output, 'run holds a run already: go on with --resume run');

  const second = await run('train', ['--resume', 'run']);
  assert.is(second.code, 0, second.output);
  assert.match(second.output, /epoch {2}2: F1 \d\.\d{3} /);
  for (const file of [
    'config.json',
    'metrics.jsonl',
    'loss.svg',
    'precision-recall.svg',
    'predictions.png',
    'best.safetensors',
    'last.safetensors',
  ])
    assert.ok(existsSync(join(cwd, 'run', file)), file);
  assert.match(readFileSync(join(cwd, 'run', 'best.safetensors'), 'latin1'), /checkpoint\\":true/);

  const data = join('data', 'synthetic-12', 'AOI_0_Synthetic_Train');
  const weights = ['--weights', join('run', 'best.safetensors')];
  const images = join(data, 'RGB-PanSharpen');
  const detected = await run('detect', [...weights, '--threshold', '0.05', images]);
  assert.is(detected.code, 0, detected.output);
  const lines = readFileSync(join(cwd, 'detections', 'detections.csv'), 'utf8')
    .trimEnd()
    .split('\n');
  assert.is(lines[0], 'image,x1,y1,x2,y2,label,score');
  assert.match(detected.output, `${lines.length - 1} detections in 12 images`);
  assert.is(readdirSync(join(cwd, 'detections')).filter((file) => file.endsWith('.png')).length, 12);

  const validated = await run('validate', [...weights, '--data', data]);
  assert.is(validated.code, 0, validated.output);
  const report = JSON.parse(readFileSync(join(cwd, 'validation', 'validation.json'), 'utf8')) as {
    images: number;
    best: { f1: number };
  };
  assert.is(report.images, 12);
  assert.match(validated.output, `${report.best.f1.toFixed(3)}  best here`);
});

test.run();
