import type { Tensor } from './tensor.ts';

/** Open scopes, innermost last. Each holds the tensors that were made in it and not yet disposed. */
const scopes: Set<Tensor>[] = [];

/** Registers a new tensor with the innermost scope. */
export function track(tensor: Tensor): void {
  scopes.at(-1)?.add(tensor);
}

/** Takes a tensor out of whichever scope holds it. */
export function untrack(tensor: Tensor): void {
  for (const scope of scopes) scope.delete(tensor);
}

/**
 * Takes a tensor out of all scopes, so that it lives until `dispose()`.
 *
 * @returns the tensor itself
 */
export function keep<T extends Tensor>(tensor: T): T {
  untrack(tensor);
  return tensor;
}

/**
 * Runs `fn` and then disposes every tensor that was made in it, except those in its result (a tensor, or arrays, maps
 * and plain objects of tensors) and those given to `keep`. Scopes nest. `fn` must be synchronous: operations only
 * record work, so awaiting is never needed inside.
 */
export function tidy<T>(fn: () => T): T {
  const scope = new Set<Tensor>();
  scopes.push(scope);
  let result: T;
  try {
    result = fn();
    if (result instanceof Promise) {
      throw new TypeError('tidy: the function must not be async; await values after tidy, from the tensor it returns');
    }
  } catch (error) {
    scopes.pop();
    for (const tensor of scope) tensor.dispose();
    throw error;
  }
  scopes.pop();
  for (const tensor of tensorsIn(result)) {
    if (scope.delete(tensor)) track(tensor);
  }
  for (const tensor of scope) tensor.dispose();
  return result;
}

/** Finds the tensors in a result. */
function* tensorsIn(value: unknown): Generator<Tensor> {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return;
  if (isTensor(value)) yield value;
  else if (Array.isArray(value)) for (const item of value) yield* tensorsIn(item);
  else if (value instanceof Map) for (const item of value.values()) yield* tensorsIn(item);
  else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) yield* tensorsIn(item);
  }
}

/** By structure, because importing the class would make a cycle. */
function isTensor(value: object): value is Tensor {
  return 'storage' in value && 'dtype' in value && 'shape' in value;
}
