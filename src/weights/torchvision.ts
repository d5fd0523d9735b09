import { pack, toNdarray } from '../tensor/host.ts';
import type { HostTensor, LoadReport, Module } from '../nn/module.ts';
import type { Shape } from '../tensor/shape.ts';

// torchvision's state dicts: the same tree of modules in snake case, filters stored [out, in, height, width] and
// matrices [out, in]. This library's are [height, width, in, out] and [in, out].

/**
 * Loads a torchvision (PyTorch) state dict into a model with the same tree of modules, for example `RetinaNet` with the
 * preset `torchvision`. The older names of torchvision 0.12 and before are supported, too.
 *
 * @param state PyTorch's names and layouts: filters OIHW, row-major
 * @param options.strict whether missing or unexpected names are an error; default true
 *
 * @example
 * const state = new Map([
 *   ['weight', { shape: [1, 2], data: Float32Array.of(3, 4) }],
 *   ['bias', { shape: [1], data: Float32Array.of(5) }],
 * ]);
 * const layer = new Linear(2, 1);
 * console.log(loadTorchvisionStateDict(layer, state)); // { missing: [], unexpected: [] }
 * await layer.weight.print();
 * // Parameter(float32 [2,1])
 * // [[3.],
 * //  [4.]]
 */
export function loadTorchvisionStateDict(
  module: Module,
  state: ReadonlyMap<string, HostTensor>,
  options: { readonly strict?: boolean } = {},
): LoadReport {
  return module.loadStateDict(fromTorchvisionStateDict(state), options);
}

/** Converts a torchvision state dict to this library's names and layouts. Counters of batches are dropped. */
export function fromTorchvisionStateDict(state: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  const own = new Map<string, HostTensor>();
  for (const [name, value] of state) {
    if (!isCounter(name)) own.set(fromTorchName(modernName(name)), fromTorchLayout(value));
  }
  return own;
}

/** Whether a name is that of PyTorch's counter for a cumulative average, which this library does not use. */
export function isCounter(name: string): boolean {
  return name.endsWith('num_batches_tracked');
}

/**
 * Converts values from `readStateDict` to PyTorch's names and layouts.
 *
 * @example
 * const layer = new Conv2d(3, 8, { kernel: 5 });
 * const state = toTorchvisionStateDict(await readStateDict(layer.stateDict()));
 * console.log(state.get('weight').shape); // [8, 3, 5, 5]
 */
export function toTorchvisionStateDict(state: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  return new Map([...state].map(([name, value]) => [toSnakeCase(name), toTorchLayout(value)]));
}

/** Permutes filters [K, C, R, S] to [R, S, C, K] and matrices [out, in] to [in, out]; other ranks are unchanged. */
export function fromTorchLayout(value: HostTensor): HostTensor {
  if (value.shape.length === 4) return permuted(value, [2, 3, 1, 0]);
  return value.shape.length === 2 ? permuted(value, [1, 0]) : value;
}

/** The shape of `fromTorchLayout`. */
export function fromTorchShape(shape: Shape): Shape {
  if (shape.length === 4) return [2, 3, 1, 0].map((axis) => shape[axis]!);
  return shape.length === 2 ? [shape[1]!, shape[0]!] : shape;
}

/** The reverse of `fromTorchLayout`. */
function toTorchLayout(value: HostTensor): HostTensor {
  if (value.shape.length === 4) return permuted(value, [3, 2, 0, 1]);
  return value.shape.length === 2 ? permuted(value, [1, 0]) : value;
}

function permuted({ shape, data }: HostTensor, order: readonly number[]): HostTensor {
  const target: Shape = order.map((axis) => shape[axis]!);
  const view = toNdarray(data, shape).transpose(...order);
  return { shape: target, data: pack(view, new Float32Array(data.length)) };
}

/** This library's name for one of torchvision's: in camel case. */
export function fromTorchName(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** torchvision once numbered the parts of pyramid and heads without a level for conv, norm and activation. */
export function modernName(name: string): string {
  return name
    .replace(/(inner_blocks|layer_blocks)\.(\d+)\.(weight|bias)$/, '$1.$2.0.$3')
    .replace(
      /_head\.conv\.(\d+)\.(weight|bias)$/,
      (_, i: string, what: string) => `_head.conv.${Number(i) / 2}.0.${what}`,
    );
}
