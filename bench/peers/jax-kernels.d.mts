import type { Kernels } from './kernels.ts';

/** @param library jax-js, which runs on WebGPU */
export declare function jaxKernels(library: unknown): { readonly operations: Kernels };
