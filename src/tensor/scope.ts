/** A tensor, as far as scopes know it. */
export interface Scoped {
  readonly shape: readonly number[];
  readonly disposed: boolean;
  dispose(): void;
}

/** Open scopes, innermost last. Each holds the tensors that were made in it and not yet disposed. */
const scopes: Set<Scoped>[] = [];

/** Registers a new tensor with the innermost scope. */
export function track(tensor: Scoped): void {
  scopes.at(-1)?.add(tensor);
}

/** Removes a tensor from the scope that holds it. */
export function untrack(tensor: Scoped): void {
  for (const scope of scopes) scope.delete(tensor);
}

/**
 * Removes a tensor from all scopes, so that it lives until `dispose()`.
 *
 * @returns the tensor itself
 *
 * @example
 * const [kept, freed] = [[], []];
 * tidy(() => {
 *   kept.push(keep(tensor([1, 2])));
 *   freed.push(tensor([3, 4]));
 * });
 * console.log(kept[0].disposed, freed[0].disposed); // false true
 */
export function keep<T extends Scoped>(tensor: T): T {
  untrack(tensor);
  return tensor;
}

/**
 * Runs `fn` and then disposes every tensor that was made in it, except those in its result (a tensor, or arrays, maps
 * and plain objects of tensors) and those passed to `keep`. Scopes nest. `fn` must be synchronous: operations only record
 * work, so there is nothing to await inside.
 *
 * @example
 * const x = tensor([3, 4]);
 * const length = tidy(() => sqrt(sum(square(x))));
 * console.log(await length.item()); // 5
 * length.dispose();
 */
export function tidy<T>(fn: () => T): T {
  const scope = new Set<Scoped>();
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
  handOn(result, scope);
  for (const tensor of scope) tensor.dispose();
  return result;
}

/** Moves the tensors of a result from the scope that ends to the one around it. */
function handOn(value: unknown, from: Set<Scoped>): void {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return;
  if (from.delete(value as Scoped)) track(value as Scoped);
  else if (Array.isArray(value)) for (const item of value) handOn(item, from);
  else if (value instanceof Map) for (const item of value.values()) handOn(item, from);
  else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) handOn(item, from);
  }
}
