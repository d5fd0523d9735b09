// The text of docs/ops.md: what each public operation is, with which types it is tested, and which kernels it launches. All of it is
// found by running the case tables, so that the page cannot say anything else than the code does.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { grad } from '../../src/autograd/tape.ts';
import { mul, sum, tensor, tidy, type Device, type Tensor } from '../../src/index.ts';
import { sizeOf } from '../reference/array.ts';
import { lacksSecond } from './errors.ts';
import { root } from './files.ts';
import { inputsOf, type OpCase } from './op-case.ts';

/** Headings, and the files of src/autograd/ops whose operations stand under them. */
const sections: readonly (readonly [heading: string, files: readonly string[]])[] = [
  ['Creating tensors', ['create', 'diagonals']],
  ['Element by element', ['binary', 'pow', 'unary', 'where', 'cast', 'dropout']],
  ['Shapes', ['shape', 'axes', 'strided', 'broadcast']],
  ['Reductions', ['reduce', 'statistics', 'softmax']],
  ['Selecting and sorting', ['gather', 'scatter', 'sort', 'non-max-suppression']],
  ['Products', ['matmul', 'einsum', 'attention']],
  ['Convolution, pooling, resizing', ['conv2d', 'conv1d', 'conv-transpose2d', 'pool2d', 'upsample']],
  ['Normalisation', ['normalization', 'layer-norm']],
  ['Losses', ['losses', 'cross-entropy']],
  ['In place, and without a gradient', ['no-gradient']],
];

/** Files of kernels from which a file of src/autograd/ops exports functions, because they have no gradient. */
const reexported: Readonly<Record<string, readonly string[]>> = {
  'no-gradient': ['kernels/copy.ts', 'kernels/update.ts', 'kernels/pixels.ts'],
};

/** Names of the functions of each file of src/autograd/ops that src/index.ts exports. */
function publicOps(): Map<string, string[]> {
  const index = readFileSync(join(root, 'src/index.ts'), 'utf8');
  const names = new Map<string, string[]>();
  for (const [, list, file] of index.matchAll(/export \{([^}]*)\} from '\.\/autograd\/ops\/([\w-]+)\.ts'/g)) {
    const functions = list!
      .split(',')
      .map((name) => name.trim())
      .filter((name) => /^[a-z]/.test(name) && !name.startsWith('type '));
    names.set(file!, [...(names.get(file!) ?? []), ...functions].sort());
  }
  return names;
}

/** The first sentence of a function's documentation. */
function summary(source: string, name: string): string {
  const declaration = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s*export (?:const|function) ${name}\\b`).exec(source);
  if (declaration === null) throw new Error(`${name} has no documentation`);
  const text = declaration[1]!
    .replaceAll(/^\s*\*/gm, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const [sentence = text] = /^.*?(?<!\bal)(?<!\.)[.:;](?![.])(?= |$)/.exec(text) ?? [];
  return sentence.replace(/[.:;]$/, '').replaceAll('|', '\\|');
}

/** The names of the kernels that a function launches. */
function kernelsOf(device: Device, work: () => void): Set<string> {
  const used = new Set<string>();
  const dispatch = device.dispatch.bind(device);
  device.dispatch = (call) => {
    used.add(call.pipeline.label.split(',')[0]!);
    dispatch(call);
  };
  try {
    work();
  } finally {
    device.dispatch = dispatch;
  }
  return used;
}

interface Facts {
  readonly cases: number;
  readonly types: string;
  readonly gradient: boolean;
  readonly second: boolean;
  readonly kernels: readonly string[];
}

function upload(c: OpCase): Tensor[] {
  return inputsOf(c).map(({ data }, i) => tensor(data, { shape: c.inputs[i]!.shape, dtype: c.inputs[i]!.dtype }));
}

/** Whether the gradient of a case can be differentiated again. */
function hasSecond(c: OpCase): boolean {
  const [k] = c.differentiable;
  if (k === undefined) return false;
  return tidy(() => {
    const inputs = upload(c);
    inputs[k]!.requiresGrad = true;
    const y = c.run(inputs)[0]!;
    try {
      grad(sum(mul(y, y)), [inputs[k]!], { createGraph: true });
      return true;
    } catch (error) {
      if (lacksSecond(error)) return false;
      throw error;
    }
  });
}

/** What the cases of an operation tell. */
function factsOf(device: Device, cases: readonly OpCase[]): Facts {
  const kernels = new Set<string>();
  const small = cases.filter((c) => !c.costly && c.inputs.every(({ shape }) => sizeOf(shape) < 5000));
  for (const c of small) {
    for (const file of kernelsOf(device, () => tidy(() => void c.run(upload(c))))) kernels.add(file);
  }
  const differentiable = small.filter((c) => c.differentiable.length > 0 && sizeOf(c.inputs[0]!.shape) > 0);
  return {
    cases: cases.length,
    types: ['float32', 'int32', 'uint32', 'bool']
      .filter((type) => cases.some((c) => c.inputs.some((input) => input.dtype === type)))
      .join(', '),
    gradient: differentiable.length > 0,
    second: differentiable.length > 0 && differentiable.slice(0, 8).every(hasSecond),
    kernels: [...kernels].sort(),
  };
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The page, for the kernels of `device`. */
export function opsPage(device: Device, cases: readonly OpCase[]): string {
  const names = publicOps();
  const lines = [
    '# Operations',
    '',
    'Made by `RETINAGRAD_WRITE=1 npm test -- ops-page` from `src/autograd/ops` and the tables of `test/cases`. *Types* are those of',
    'the inputs that are tested (conditions and indices among them). *Gradient* is that of floats; *second* says whether it can be',
    'differentiated again (`createGraph`). *Kernels* are the files of `src/kernels/wgsl` that the forward pass launches for',
    'adapters without an entry in `src/kernels/tuning.ts`; the gradient uses the same or those beside them.',
  ];
  for (const [heading, list] of sections) {
    lines.push('', `## ${heading}`, '');
    lines.push(
      row(['operation', 'what it computes', 'types', 'gradient', 'second', 'kernels', 'cases']),
      row(new Array<string>(7).fill('---')),
    );
    for (const file of list) {
      const paths = [`autograd/ops/${file}.ts`, ...(reexported[file] ?? [])];
      const source = paths.map((path) => readFileSync(join(root, 'src', path), 'utf8')).join('\n');
      for (const name of names.get(file) ?? []) {
        const own = cases.filter((c) => c.op === name);
        const facts = own.length === 0 ? null : factsOf(device, own);
        const kernels = facts?.kernels.map((kernel) => `\`${kernel.replace('.wgsl', '')}\``).join(', ') ?? '';
        const yes = (holds: boolean | undefined): string => (holds === true ? 'yes' : '');
        lines.push(
          row([
            `\`${name}\``,
            summary(source, name),
            facts?.types ?? '',
            yes(facts?.gradient),
            yes(facts?.second),
            kernels,
            `${facts?.cases ?? ''}`,
          ]),
        );
      }
      names.delete(file);
    }
  }
  const left = [...names].filter(([, list]) => list.length > 0).map(([file]) => file);
  if (left.length > 0)
    throw new Error(`no section of docs/ops.md has the files ${left.join(', ')}: name them in ops-page.ts`);
  return `${lines.join('\n')}\n`;
}
