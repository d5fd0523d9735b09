import type { HostTensor } from '../nn/module.ts';
import type { Shape } from '../tensor/shape.ts';

/** A tensor of a file, which is read on demand. */
export interface StoredTensor {
  readonly shape: Shape;
  /** Type of the stored values as safetensors calls it, for example `F16`. */
  readonly dtype: string;
  /** Reads the values, row-major, as float32. Rejects if the type has no conversion. */
  read(): Promise<HostTensor>;
}

/** The tensors of a file of weights. */
export interface TensorFile {
  readonly format: 'safetensors' | 'PyTorch';
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Text beside the tensors, of safetensors files. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Maximum length of the name of a tensor. */
const MAX_NAME = 1000;

/**
 * Why a name of a tensor is refused; null if it is not. Names are printed and become keys, so they may not contain control
 * characters, which terminals obey, or be the name by which objects of JavaScript hold their prototype.
 */
export function nameProblem(name: string): string | null {
  if (name === '') return 'the name of a tensor is empty';
  if (name.length > MAX_NAME) return `the name of a tensor has ${name.length} characters, the maximum is ${MAX_NAME}`;
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)) {
    return `the name ${JSON.stringify(name).replace(/[^ -~]/g, '?')} has control characters`;
  }
  return name.split('.').includes('__proto__') ? `a tensor is called ${name}` : null;
}
