import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/** Imports that the linter must refuse and those that it must let through, by the file that has them. */
const IMPORTS: Record<string, { readonly refused: string[]; readonly allowed: string[] }> = {
  'src/tensor/x.ts': {
    refused: ['../kernels/run.ts', '../nn/module.ts', 'node:fs', 'webgpu'],
    allowed: ['./y.ts', 'ndarray'],
  },
  'src/kernels/x.ts': {
    refused: ['../autograd/tape.ts', '../nn/module.ts', '../data/types.ts', 'node:os', 'webgpu'],
    allowed: ['../tensor/y.ts', './y.ts', './wgsl/y.wgsl.ts'],
  },
  'src/autograd/x.ts': {
    refused: ['../nn/module.ts', '../retinanet/y.ts', '../kernels/wgsl/y.wgsl.ts'],
    allowed: ['../kernels/y.ts'],
  },
  'src/autograd/ops/x.ts': {
    refused: ['../../nn/module.ts', '../../kernels/wgsl/y.wgsl.ts', 'node:fs'],
    allowed: ['../../kernels/y.ts', '../tape.ts', '../../tensor/y.ts'],
  },
  'src/nn/x.ts': {
    refused: ['../kernels/y.ts', '../retinanet/y.ts', '../io/y.ts', 'node:fs'],
    allowed: ['../autograd/ops/y.ts', '../tensor/y.ts', './y.ts'],
  },
  'src/nn/optim.ts': { refused: ['../retinanet/y.ts', '../kernels/wgsl/y.wgsl.ts'], allowed: ['../kernels/update.ts'] },
  'src/retinanet/x.ts': {
    refused: [
      '../kernels/y.ts',
      '../data/augment.ts',
      '../data/node/png.ts',
      '../data/tiff.ts',
      '../train/y.ts',
      'node:fs',
    ],
    allowed: ['../nn/y.ts', '../autograd/tape.ts', '../data/types.ts'],
  },
  'src/io/x.ts': {
    refused: ['../kernels/y.ts', '../train/y.ts', 'node:fs'],
    allowed: ['../nn/module.ts', '../tensor/y.ts'],
  },
  'src/data/x.ts': {
    refused: ['node:fs', './node/png.ts', '../tensor/y.ts', '../evaluation/y.ts'],
    allowed: ['./types.ts', 'ndarray'],
  },
  'src/data/node/x.ts': {
    refused: ['../../tensor/y.ts', '../../train/y.ts'],
    allowed: ['node:fs', '../types.ts', 'pngjs', './png.ts'],
  },
  'src/evaluation/x.ts': {
    refused: ['../report/y.ts', '../nn/y.ts', 'node:fs'],
    allowed: ['../data/types.ts', './y.ts'],
  },
  'src/report/x.ts': {
    refused: ['../nn/y.ts', '../train/y.ts', 'node:fs'],
    allowed: ['../data/types.ts', '../evaluation/y.ts'],
  },
  'src/node/x.ts': { refused: ['../nn/y.ts', '../kernels/run.ts'], allowed: ['node:fs', 'webgpu', '../tensor/y.ts'] },
  'src/train/x.ts': {
    refused: ['../cli/y.ts', '../kernels/y.ts', 'webgpu'],
    allowed: ['node:fs', '../nn/y.ts', '../retinanet/y.ts'],
  },
  'src/doctor/x.ts': {
    refused: ['../cli/y.ts', '../kernels/y.ts', 'webgpu', '../node/y.ts'],
    allowed: ['node:fs', '../index.ts', '../data/node/y.ts', '../report/y.ts', '../retinanet/y.ts', '../train/y.ts'],
  },
  'src/bench/x.ts': {
    refused: ['../cli/y.ts', 'webgpu', '../kernels/wgsl/y.wgsl.ts'],
    allowed: ['node:fs', '../kernels/y.ts', '../index.ts', '../tensor/y.ts'],
  },
  'src/index.ts': { refused: ['node:fs', './kernels/y.ts', './cli/main.ts'], allowed: ['./nn/y.ts', './tensor/y.ts'] },
  'examples/x.ts': { refused: ['../src/index.ts', '../../src/nn/y.ts'], allowed: ['retinagrad', './y.ts', 'node:fs'] },
};

const root = mkdtempSync(join(tmpdir(), 'retinagrad-layers-'));
test.after(() => rmSync(root, { recursive: true }));

test('the linter refuses every import against the direction of the layers, and no other', () => {
  copyFileSync(new URL('../../.oxlintrc.json', import.meta.url), join(root, '.oxlintrc.json'));
  const expected: string[] = [];
  for (const [file, { refused, allowed }] of Object.entries(IMPORTS)) {
    const lines = [...refused, ...allowed];
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), lines.map((path) => `import '${path}';\n`).join(''));
    expected.push(...refused.map((path) => `${file}: ${path}`));
  }
  const oxlint = fileURLToPath(new URL('../../node_modules/oxlint/bin/oxlint', import.meta.url));
  const { stdout } = spawnSync(process.execPath, [oxlint, '-f', 'unix'], { cwd: root, encoding: 'utf8' });
  const found = [...stdout.matchAll(/^(\S+?):(\d+):\d+: .*no-restricted-imports\)\]$/gm)].map(([, file = '', line]) => {
    const text = readFileSync(join(root, file), 'utf8').split('\n')[Number(line) - 1] ?? '';
    return `${file}: ${text.slice("import '".length, -"';".length)}`;
  });
  assert.equal(found.sort(), expected.sort());
});

test.run();
