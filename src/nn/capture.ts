import { keep } from '../tensor/scope.ts';
import { Tensor } from '../tensor/tensor.ts';
import type { Module } from './module.ts';

/** What the modules of a model computed. */
export interface CapturedOutputs<T> {
  /** What the function returned. */
  readonly result: T;
  /**
   * The tensors that `forward` of each module returned, one for each call, by the module's name (`body.layer1.0`), in the order
   * of the first calls. The caller disposes of them.
   */
  readonly outputs: ReadonlyMap<string, readonly Tensor[]>;
}

/**
 * Runs `fn` and keeps what the modules inside a model compute meanwhile, to look at as feature maps, or at their gradients by
 * `grad`. PyTorch has forward hooks for this. Modules that return something else than a tensor are left out, as are layers that
 * another one computes in its own kernel: without gradients, a convolution applies the batch norm that follows.
 *
 * @param fn synchronous, for example `() => model.forward(images)`
 *
 * @example
 * const model = new Sequential(new Linear(2, 3), new ReLU());
 * const { result, outputs } = captureOutputs(model, () => model.forward(ones([1, 2])));
 * console.log(result.shape, [...outputs.keys()]); // [1, 3] ['0', '1']
 */
export function captureOutputs<T>(model: Module, fn: () => T): CapturedOutputs<T> {
  const outputs = new Map<string, Tensor[]>();
  const watched = new Map<Module, PropertyDescriptor | undefined>();
  const watch = (module: Module, name: string): void => {
    if (watched.has(module)) return;
    const { forward } = module as { forward?: (...args: readonly unknown[]) => unknown };
    if (forward !== undefined) {
      watched.set(module, Object.getOwnPropertyDescriptor(module, 'forward'));
      const value = (...args: unknown[]): unknown => {
        const output = forward.apply(module, args);
        if (output instanceof Tensor) outputs.set(name, [...(outputs.get(name) ?? []), keep(output)]);
        return output;
      };
      Object.defineProperty(module, 'forward', { value, configurable: true });
    }
    for (const [child, inner] of module.namedChildren()) watch(inner, name === '' ? child : `${name}.${child}`);
  };
  try {
    for (const [name, child] of model.namedChildren()) watch(child, name);
    return { result: fn(), outputs };
  } catch (error) {
    for (const tensor of [...outputs.values()].flat()) tensor.dispose();
    throw error;
  } finally {
    for (const [module, own] of watched) {
      if (own === undefined) delete (module as { forward?: unknown }).forward;
      else Object.defineProperty(module, 'forward', own);
    }
  }
}
