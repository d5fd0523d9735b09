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
  vector: ['common', 'imagery'],
  labels: ['common', 'imagery', 'vector'],
  synthetic: ['common', 'imagery'],
  data: ['common', 'imagery', 'vector', 'labels'],
  evaluation: ['common', 'imagery', 'vector', 'labels', 'data'],
  report: ['common', 'imagery', 'vector', 'labels', 'data', 'evaluation'],
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
  export: [...core, 'detector', 'train'],
  distributed: ['common', 'tensor', 'train'],
  task: [...core, 'detector', 'train', 'doctor'],
  measure: [...core, 'kernels', 'detector', 'train'],
  // Entries only: what the command does, users of the library can do.
  cli: ['common'],
});
/** Files that outsiders import. No file of a room does. */
const ENTRIES = [
  'index',
  'node',
  'data',
  'data-node',
  'evaluation',
  'report',
  'report-node',
  'detector',
  'detector-node',
  'train',
  'train-node',
  'distributed',
  'distributed-node',
  'bench',
  'bench-node',
  'geo',
];
/** Folders that run in Node only; elsewhere, what needs Node is in a subfolder `node`. */
const IN_NODE = ['node', 'cli'];

const forbid = (files, patterns) => ({
  files,
  rules: {
    'no-restricted-imports': ['error', { patterns: patterns.map(([regex, message]) => ({ regex, message })) }],
  },
});
const entries = (up) => [
  `^${'\\.\\./'.repeat(up)}(?:${ENTRIES.join('|')})\\.ts$`,
  'entries are for outsiders: import the file that declares it',
];
const generated = ['/wgsl/[^/]+\\.wgsl\\.ts$', "only kernels import the library's WGSL"];
const packageWebgpu = ['^webgpu$', 'only src/node opens Dawn'];
const node = ['^node:|/node/', 'this file must run in a browser: what needs Node is in a subfolder `node`'];

/** What files of a room may not import, by how many folders they lie below `src`. */
function forbidden(room, allowed, depth) {
  const others = Object.keys(ROOMS).filter((other) => other !== room && !allowed.includes(other));
  return [
    [`^(?:\\.\\./)+(?:${others.join('|')})/`, `${room} imports only ${allowed.join(', ') || 'files of its own'}`],
    ...(room === 'kernels' ? [] : [generated]),
    ...(room === 'node' ? [] : [packageWebgpu]),
    ...(room === 'cli' ? [] : [entries(depth)]),
  ];
}

/** The rules of one room: for its files, for its subfolders, and for its subfolder `node`. */
function rulesOf([room, allowed]) {
  const wall = IN_NODE.includes(room) ? [] : [node];
  return [
    forbid([`src/${room}/*.ts`], [...forbidden(room, allowed, 1), ...wall]),
    forbid([`src/${room}/*/**`], [...forbidden(room, allowed, 2), ...wall]),
    forbid([`src/${room}/node/**`], forbidden(room, allowed, 2)),
  ];
}

/** A file that also launches kernels itself, because what it does has no gradient and so does not go through autograd. */
const launches = (room, file) =>
  forbid([`src/${room}/${file}`], [...forbidden(room, [...ROOMS[room], 'kernels'], 1), node]);

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
    // Tables of cases name operations: `ops[name]`, which the type of the name checks.
    'import/namespace': ['error', { allowComputed: true }],
  },
  ignorePatterns: ['dist', '**/*.wgsl.ts', 'src/vector/epsg-table.ts', 'test/golden/*.py'],
  // A later override replaces the rule of an earlier one.
  overrides: [
    { files: ['src/**'], rules: { 'max-lines': ['error', { max: 450 }], 'no-console': 'error' } },
    { files: ['src/cli/**'], rules: { 'no-console': 'off' } },
    // The compiler does not check these scripts.
    { files: ['src/report/map/page/*.js'], env: { browser: true }, rules: { 'no-undef': 'error' } },
    { files: ['*.mjs'], rules: { 'import/no-default-export': 'off' } },
    ...Object.entries(ROOMS).flatMap(rulesOf),
    launches('nn', 'optim.ts'),
    launches('retinanet', 'matching-gpu.ts'),
    forbid(['src/*.ts'], [['^node:|^webgpu$|/kernels/|/cli/', 'entries list public names, nothing else']]),
    forbid(['examples/**'], [['^(?:\\.\\./)+src/', 'examples import the package by its name']]),
    forbid(['scripts/**'], [['^(?:\\.\\./)+(?:src|bench)/', 'scripts import nothing of ours']]),
  ],
};
