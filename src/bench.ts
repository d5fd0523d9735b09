// Benchmarks: what `retinagrad/bench` exports and `retinagrad bench` runs. It needs Node.
export { kernelCases, SIZES, type KernelCase, type SizeName } from './measure/kernel-cases.ts';
export { measureCeiling, measureKernel } from './measure/kernels.ts';
export { ladders, ladderTimer } from './measure/ladder/measure.ts';
export { type LadderStep } from './measure/ladder/step.ts';
export { flameChart, labelParts, measureParts, type PartsResult } from './measure/parts.ts';
export { measureCheckpoint, measureFirstStep, measureWhole, type FirstStep } from './measure/whole.ts';
export { Workload, type WorkloadOptions } from './measure/workload.ts';
export { measureLoader, type LoaderBenchOptions, type LoaderRow } from './measure/loader.ts';
export { compare, type Comparison } from './measure/compare.ts';
export { newResult, type BenchResult, type Measured } from './measure/result.ts';
export { type Spread, type Timing } from './measure/measure.ts';
export { type Work } from './measure/tasks.ts';
export { caseLine, comparisonLine, partsTable } from './measure/text.ts';
