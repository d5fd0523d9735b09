import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
export function isWinograd(..._: unknown[]): boolean { return false; }
export function winogradGather(..._: unknown[]): void {}
export function winogradGradWeight(..._: unknown[]): Tensor { throw new Error(); }
