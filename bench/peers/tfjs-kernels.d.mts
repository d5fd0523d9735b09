import type { Kernels } from './kernels.ts';

/** @param library TensorFlow.js, which runs on WebGPU */
export declare function tfjsKernels(library: unknown): { readonly operations: Kernels };
