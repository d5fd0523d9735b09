import { Tensor } from '../tensor/tensor.ts';

/** A module, as far as its description needs it. */
interface Described {
  namedChildren(): Iterable<[string, Described]>;
}

/** The tree of a module, as PyTorch shows it: `Linear(weight [2,1], bias [1])`, and a line for each child. */
export function describeModule(module: Described, indent = ''): string {
  const own = Object.entries(module).flatMap(([name, value]) =>
    value instanceof Tensor ? [`${name} [${value.shape}]`] : [],
  );
  const inner = `${indent}  `;
  const children = [...module.namedChildren()].map(
    ([name, child]) => `${inner}(${name}): ${describeModule(child, inner)}\n`,
  );
  if (children.length === 0) return `${module.constructor.name}(${own.join(', ')})`;
  const line = own.length === 0 ? '' : `${inner}${own.join(', ')}\n`;
  return `${module.constructor.name}(\n${line}${children.join('')}${indent})`;
}
