// Measures retinagrad and its peers on the same cases in one run: node bench/peers/run.mjs --help
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HELP = `Measures retinagrad and other libraries on the same cases, adapter and run, and checks every result.

Usage: node bench/peers/run.mjs [OPTIONS]       (once before: cd bench/peers && npm ci)

  --only a,b       libraries: retinagrad, tfjs, jax, ort-webgpu, ort-cpu, torch; default all
  --filter TEXT    only cases whose name contains TEXT: "conv 3x3", "RetinaNet"
  --seconds N      approximate time to measure each case with each library; default 2
  --out FILE       writes the result as JSON, after every case
  --adapter NAME   lavapipe, swiftshader, hardware or part of a name; default: as retinagrad chooses
  --help           this text

PyTorch is measured with $PYTHON, or the first python3 that has it. If a library is missing or fails, the reason is
reported and the others continue. The exit status is 1 if a result of retinagrad is wrong or missing.
Some cases take minutes: the whole network compiles hundreds of kernels in some libraries.
`;

const options = {
  only: { type: 'string', default: '' },
  filter: { type: 'string', default: '' },
  seconds: { type: 'string', default: '2' },
  out: { type: 'string' },
  adapter: { type: 'string' },
  help: { type: 'boolean', default: false },
};

try {
  const { values } = parseArgs({ options });
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) throw new TypeError(`--seconds is "${values.seconds}", expected a number > 0`);
  if (values.help) process.stdout.write(HELP);
  else {
    const root = fileURLToPath(new URL('../../', import.meta.url));
    // The current source of retinagrad is measured. It needs its dependencies and generated kernels.
    const setup = spawnSync(process.execPath, ['scripts/setup.mjs'], { cwd: root, stdio: 'inherit' });
    if (setup.status !== 0) throw new Error('retinagrad could not be set up');
    const { register } = await import('tsx/esm/api');
    register();
    const { Runner } = await import('./runner.ts');
    const only = values.only.split(',').filter(Boolean);
    const out = values.out === undefined ? undefined : resolve(values.out);
    const runner = new Runner({ only, filter: values.filter, seconds, out, adapter: values.adapter });
    process.exitCode = await runner.run();
  }
} catch (error) {
  process.stderr.write(
    `${error.code?.startsWith('ERR_PARSE_ARGS') || error instanceof TypeError ? error.message : error.stack}\n`,
  );
  process.exitCode = 2;
}
