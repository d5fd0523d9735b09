// The linter's rules, and the rooms of the house: which folder of src may import which (docs/architecture.md).

/** What each folder of `src` may import beside itself. There are no circles: every name stands above those that list it. */
const ROOMS = {
  // On the GPU.
  common: [],
  tensor: ['common'],
  kernels: ['common', 'tensor'],
  autograd: ['common', 'tensor', 'kernels'],
  nn: ['common', 'tensor', 'autograd'],
  // On the host.
  imagery: ['common'],
  labels: ['common', 'imagery'],
  synthetic: ['common', 'imagery'],
  data: ['common', 'imagery', 'labels'],
  evaluation: ['common', 'imagery', 'labels', 'data'],
  report: ['common', 'imagery', 'labels', 'data', 'evaluation'],
  // Over both.
  retinanet: ['common', 'tensor', 'autograd', 'nn', 'imagery'],
  weights: ['common', 'tensor', 'nn', 'retinanet'],
  node: ['common', 'tensor'],
};
const core = Object.keys(ROOMS).filter((room) => room !== 'kernels' && room !== 'node');
Object.assign(ROOMS, {
  detector: core,
  train: [...core, 'detector'],
  doctor: [...core, 'detector', 'train'],
  task: [...core, 'detector', 'train', 'doctor'],
  measure: [...core, 'kernels', 'detector', 'train'],
  // Entries only: what the command does, users of the library can do.
  cli: [],
});
/** Files that outsiders import. No file of a room does. */
const ENTRIES = ['index', 'node', 'data', 'evaluation', 'report', 'detector', 'train', 'bench'];
/** Folders that run in Node only; elsewhere, what needs Node is in a subfolder `node`. */
const IN_NODE = ['node', 'train', 'doctor', 'task', 'measure', 'cli'];

const forbid = (files, patterns) => ({
  files,
  rules: {
    'no-restricted-imports': ['error', { patterns: patterns.map(([regex, message]) => ({ regex, message })) }],
  },
});
const entries = [
  `^(?:\\.\\./)+(?:${ENTRIES.join('|')})\\.ts$`,
  'entries are for outsiders: import the file that declares it',
];
const generated = ['\\.wgsl\\.ts$', 'only kernels import WGSL'];
const packageWebgpu = ['^webgpu$', 'only src/node opens Dawn'];
const node = ['^node:|/node/', 'this file must run in a browser: what needs Node is in a subfolder `node`'];

/** The rules of one room: for its files and, apart, for its subfolder `node`. */
function rulesOf([room, allowed]) {
  const others = Object.keys(ROOMS).filter((other) => other !== room && !allowed.includes(other));
  const up = [
    `^(?:\\.\\./)+(?:${others.join('|')})/`,
    allowed.length === 0 ? `${room} imports no other room` : `${room} imports only ${allowed.join(', ')}`,
  ];
  const always = [
    up,
    ...(room === 'cli' ? [] : [entries]),
    ...(room === 'kernels' ? [] : [generated]),
    ...(room === 'node' ? [] : [packageWebgpu]),
  ];
  return [
    forbid([`src/${room}/**`], IN_NODE.includes(room) ? always : [...always, node]),
    ...(IN_NODE.includes(room) ? [] : [forbid([`src/${room}/node/**`], always)]),
  ];
}

export default {
  plugins: ['typescript', 'import', 'unicorn', 'oxc'],
  categories: { correctness: 'error' },
  rules: {
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    // One import for each module; names that are only types are marked in it.
    'import/no-duplicates': ['error', { 'prefer-inline': true }],
    'typescript/consistent-type-imports': 'error',
    'typescript/no-import-type-side-effects': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    // An index that the code knows to be inside is marked with `!`, never with a cast.
    'typescript/non-nullable-type-assertion-style': 'error',
    // Shapes are put into messages as they are: `[${shape}]`.
    'typescript/restrict-template-expressions': 'off',
    // Text that is spread here is ASCII.
    'typescript/no-misused-spread': 'off',
    // An array of n equal elements is written `new Array<T>(n).fill(x)`.
    'unicorn/no-new-array': 'off',
  },
  ignorePatterns: ['dist', '**/*.wgsl.ts', 'test/golden/*.py'],
  // A later override replaces the rule of an earlier one.
  overrides: [
    { files: ['src/**'], rules: { 'max-lines': ['error', { max: 450 }], 'no-console': 'error' } },
    { files: ['src/cli/**'], rules: { 'no-console': 'off' } },
    { files: ['*.mjs'], rules: { 'import/no-default-export': 'off' } },
    ...Object.entries(ROOMS).flatMap(rulesOf),
    // Optimisers update parameters in place, outside the tape.
    forbid(
      ['src/nn/optim.ts'],
      [
        [
          '/(?:retinanet|weights|imagery|labels|data|evaluation|report|train|node|cli)/',
          'optimisers import only tensor, autograd and kernels/update',
        ],
        node,
        generated,
      ],
    ),
    // Matching has no gradient and belongs to the detector: it calls its launcher directly, not through autograd.
    forbid(
      ['src/retinanet/matching*.ts'],
      [
        [
          `^(?:\\.\\./)+(?:${Object.keys(ROOMS)
            .filter((room) => !['retinanet', 'kernels', ...ROOMS.retinanet].includes(room))
            .join('|')})/`,
          `matching imports only ${ROOMS.retinanet.join(', ')} and kernels/matching.ts`,
        ],
        entries,
        generated,
        packageWebgpu,
        node,
      ],
    ),
    forbid(['src/*.ts'], [['^node:|^webgpu$|/kernels/|/cli/', 'entries list public names, nothing else']]),
    forbid(['examples/**'], [['^(?:\\.\\./)+src/', 'examples import the package by its name']]),
    forbid(['scripts/**'], [['^(?:\\.\\./)+(?:src|bench)/', 'scripts import nothing of ours']]),
  ],
};
