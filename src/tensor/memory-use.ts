/** What a buffer of the GPU holds. */
export const memoryUses = ['weights', 'gradients', 'optimizer', 'averages', 'activations', 'other'] as const;
export type MemoryUse = (typeof memoryUses)[number];

/**
 * Bytes by what they hold. `activations` are what operations saved for `backward`; `optimizer` is the state of optimisers;
 * `averages` are averaged weights (`ExponentialMovingAverage`); `other` is the rest: input, results and workspaces.
 */
export type MemoryUses = { readonly [Use in MemoryUse]: number };
