import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/** Imports that the linter must refuse and those that it must allow, by the file that has them. */
const IMPORTS: Record<string, { readonly refused: string[]; readonly allowed: string[] }> = {
  'src/common/x.ts': { refused: ['../tensor/y.ts', 'node:fs', '../index.ts'], allowed: ['./y.ts'] },
  'src/tensor/x.ts': {
    refused: ['../kernels/run.ts', '../nn/module.ts', 'node:fs', 'webgpu', '../index.ts'],
    allowed: ['./y.ts', '../common/y.ts', 'ndarray'],
  },
  'src/kernels/x.ts': {
    refused: ['../autograd/tape.ts', '../nn/module.ts', '../imagery/y.ts', 'node:os', 'webgpu'],
    allowed: ['../tensor/y.ts', './y.ts', './wgsl/y.wgsl.ts'],
  },
  'src/autograd/x.ts': {
    refused: ['../nn/module.ts', '../retinanet/y.ts', '../kernels/wgsl/y.wgsl.ts'],
    allowed: ['../kernels/y.ts'],
  },
  'src/autograd/ops/x.ts': {
    refused: ['../../nn/module.ts', '../../kernels/wgsl/y.wgsl.ts', 'node:fs', '../../index.ts'],
    allowed: ['../../kernels/y.ts', '../tape.ts', '../../tensor/y.ts'],
  },
  'src/nn/x.ts': {
    refused: ['../kernels/y.ts', '../retinanet/y.ts', '../weights/y.ts', 'node:fs'],
    allowed: ['../autograd/ops/y.ts', '../tensor/y.ts', './y.ts'],
  },
  'src/nn/optim.ts': { refused: ['../retinanet/y.ts', '../kernels/wgsl/y.wgsl.ts'], allowed: ['../kernels/update.ts'] },
  'src/imagery/x.ts': {
    refused: ['../labels/y.ts', '../data/y.ts', '../tensor/y.ts', 'node:fs', './node/png.ts'],
    allowed: ['./y.ts', '../common/y.ts', 'ndarray'],
  },
  'src/imagery/node/x.ts': {
    refused: ['../../labels/y.ts', '../../tensor/y.ts', '../../data.ts'],
    allowed: ['node:fs', 'pngjs', '../y.ts'],
  },
  'src/vector/x.ts': {
    refused: ['../labels/y.ts', '../data/y.ts', 'node:fs', '../imagery/node/y.ts'],
    allowed: ['../imagery/y.ts', './y.ts', '../common/y.ts'],
  },
  'src/vector/node/x.ts': { refused: ['../../labels/y.ts'], allowed: ['node:fs', '../../imagery/node/y.ts', 'proj4'] },
  'src/labels/x.ts': {
    refused: ['../data/y.ts', '../evaluation/y.ts', '../tensor/y.ts', 'node:fs', '../imagery/node/y.ts'],
    allowed: ['../imagery/y.ts', './y.ts'],
  },
  'src/labels/node/x.ts': {
    refused: ['../../data/y.ts', '../../data/node/y.ts'],
    allowed: ['node:fs', '../y.ts', '../../imagery/node/y.ts'],
  },
  'src/synthetic/x.ts': {
    refused: ['../labels/y.ts', '../data/y.ts', 'node:fs'],
    allowed: ['../imagery/y.ts', '../common/y.ts'],
  },
  'src/data/x.ts': {
    refused: ['node:fs', './node/y.ts', '../tensor/y.ts', '../evaluation/y.ts', '../synthetic/y.ts', '../data.ts'],
    allowed: ['./types.ts', '../imagery/y.ts', '../labels/y.ts', 'ndarray'],
  },
  'src/data/node/x.ts': {
    refused: ['../../tensor/y.ts', '../../train/y.ts', '../../data.ts'],
    allowed: ['node:fs', '../types.ts', './y.ts', '../../labels/node/y.ts'],
  },
  'src/evaluation/x.ts': {
    refused: ['../report/y.ts', '../nn/y.ts', 'node:fs', '../evaluation.ts'],
    allowed: ['../data/types.ts', '../labels/y.ts', './y.ts'],
  },
  'src/report/x.ts': {
    refused: ['../nn/y.ts', '../train/y.ts', 'node:fs'],
    allowed: ['../data/types.ts', '../evaluation/y.ts'],
  },
  'src/retinanet/x.ts': {
    refused: ['../kernels/y.ts', '../data/y.ts', '../imagery/node/y.ts', '../train/y.ts', 'node:fs', '../index.ts'],
    allowed: ['../nn/y.ts', '../autograd/tape.ts', '../imagery/y.ts'],
  },
  'src/export/x.ts': {
    refused: ['../kernels/y.ts', '../doctor/y.ts', '../task/y.ts', 'node:fs', './node/y.ts'],
    allowed: ['../weights/y.ts', '../detector/y.ts', '../train/run-store.ts'],
  },
  'src/weights/x.ts': {
    refused: ['../kernels/y.ts', '../train/y.ts', '../autograd/y.ts', 'node:fs'],
    allowed: ['../nn/module.ts', '../tensor/y.ts', '../retinanet/y.ts'],
  },
  'src/node/x.ts': { refused: ['../nn/y.ts', '../kernels/run.ts'], allowed: ['node:fs', 'webgpu', '../tensor/y.ts'] },
  'src/detector/x.ts': {
    refused: ['../train/y.ts', '../doctor/y.ts', '../kernels/y.ts', 'node:fs', '../index.ts'],
    allowed: ['../retinanet/y.ts', '../data/y.ts', '../evaluation/y.ts', '../weights/y.ts'],
  },
  'src/detector/node/x.ts': { refused: ['../../train/y.ts', 'webgpu'], allowed: ['node:fs', '../../data/node/y.ts'] },
  'src/train/x.ts': {
    refused: ['node:fs', '../cli/y.ts', '../kernels/y.ts', '../task/y.ts', '../doctor/y.ts', 'webgpu', '../data.ts'],
    allowed: ['../nn/y.ts', '../retinanet/y.ts', '../detector/y.ts'],
  },
  'src/distributed/x.ts': {
    refused: ['../task/y.ts', '../doctor/y.ts', '../detector/y.ts', 'node:fs', './node/mpi.ts', '../train.ts'],
    allowed: ['../train/y.ts', '../tensor/y.ts', '../common/y.ts'],
  },
  'src/distributed/node/x.ts': {
    refused: ['../../task/y.ts', '../../imagery/node/y.ts'],
    allowed: ['node:os', '../y.ts', '../../common/y.ts'],
  },
  'src/doctor/x.ts': {
    refused: ['node:fs', '../cli/y.ts', '../task/y.ts', '../kernels/y.ts', 'webgpu', '../node/y.ts', '../index.ts'],
    allowed: ['../report/y.ts', '../retinanet/y.ts', '../train/y.ts'],
  },
  'src/task/node/x.ts': {
    refused: ['../../cli/y.ts', '../../kernels/y.ts', '../../train.ts'],
    allowed: ['node:fs', '../settings.ts', '../../data/node/y.ts', '../../train/y.ts'],
  },
  'src/task/x.ts': {
    refused: ['node:fs', '../cli/y.ts', '../measure/y.ts', '../kernels/y.ts', '../train.ts'],
    allowed: ['../doctor/y.ts', '../train/y.ts', '../detector/y.ts'],
  },
  'src/measure/x.ts': {
    refused: [
      '../cli/y.ts',
      '../task/y.ts',
      'webgpu',
      '../kernels/wgsl/y.wgsl.ts',
      '../index.ts',
      'node:fs',
      './node/y.ts',
    ],
    allowed: ['../kernels/y.ts', '../tensor/y.ts', '../train/y.ts'],
  },
  'src/measure/node/x.ts': {
    refused: ['../../task/y.ts', 'webgpu'],
    allowed: ['node:fs', '../y.ts', '../../data/node/y.ts'],
  },
  // The command can do what users of the library can: it imports entries only.
  'src/cli/x.ts': {
    refused: ['../train/y.ts', '../tensor/y.ts', '../data/node/y.ts', 'webgpu'],
    allowed: ['../data-node.ts', '../node.ts', '../train.ts', './y.ts', 'node:fs'],
  },
  'src/index.ts': { refused: ['node:fs', './kernels/y.ts', './cli/main.ts'], allowed: ['./nn/y.ts', './tensor/y.ts'] },
  'src/data.ts': { refused: ['node:fs', './cli/main.ts'], allowed: ['./data/y.ts', './data/node/y.ts'] },
  'examples/x.ts': { refused: ['../src/index.ts', '../../src/nn/y.ts'], allowed: ['retinagrad', './y.ts', 'node:fs'] },
  'scripts/x.mjs': {
    refused: ['../src/index.ts', '../bench/peers/y.ts'],
    allowed: ['./y.mjs', 'node:fs', 'typescript'],
  },
  'bench/x.mjs': { refused: [], allowed: ['../src/measure/y.ts', './peers/y.ts', 'node:fs'] },
};

const root = mkdtempSync(join(tmpdir(), 'retinagrad-layers-'));
test.after(() => rmSync(root, { recursive: true }));

test('the linter refuses every import that the table of rooms does not allow, and no other', () => {
  copyFileSync(new URL('../../oxlint.config.mjs', import.meta.url), join(root, 'oxlint.config.mjs'));
  const expected: string[] = [];
  for (const [file, { refused, allowed }] of Object.entries(IMPORTS)) {
    const lines = [...refused, ...allowed];
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), lines.map((path) => `import '${path}';\n`).join(''));
    expected.push(...refused.map((path) => `${file}: ${path}`));
  }
  const oxlint = fileURLToPath(new URL('../../node_modules/oxlint/bin/oxlint', import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, [oxlint, '-c', 'oxlint.config.mjs', '-f', 'unix'], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.not(stdout.includes('Failed to build configuration'), `${stdout}${stderr}`);
  const found = [...stdout.matchAll(/^(\S+?):(\d+):\d+: .*no-restricted-imports\)\]$/gm)].map(([, file = '', line]) => {
    const text = readFileSync(join(root, file), 'utf8').split('\n')[Number(line) - 1] ?? '';
    return `${file}: ${text.slice("import '".length, -"';".length)}`;
  });
  // An import may break two rules.
  assert.equal([...new Set(found)].sort(), expected.sort());
});

test('every room of src has a line in the table and a case here', () => {
  const source = fileURLToPath(new URL('../../src/', import.meta.url));
  const rooms = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const table = readFileSync(new URL('../../oxlint.config.mjs', import.meta.url), 'utf8');
  for (const { name } of rooms) {
    assert.match(table, new RegExp(`^  ${name}: `, 'm'), `${name} is not in ROOMS of oxlint.config.mjs`);
    assert.ok(`src/${name}/x.ts` in IMPORTS, `${name} has no case`);
  }
});

test.run();
