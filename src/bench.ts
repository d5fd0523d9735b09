// Benchmarks: what `retinagrad/bench` exports, in browsers too. In Node the package resolves to bench-node.ts, which adds what
// reads files and starts processes.
export { kernelCases, SIZES, taskCase, type KernelCase, type SizeName } from './measure/kernel-cases.ts';
export { measureCeiling, measureKernel } from './measure/kernels.ts';
export { ladders, ladderTimer } from './measure/ladder/measure.ts';
export { editedStep, type LadderStep } from './measure/ladder/step.ts';
export { flameChart, labelParts, measureParts, type PartsResult } from './measure/parts.ts';
export { measureCheckpoint, measureWhole } from './measure/whole.ts';
export { Workload, type WorkloadOptions } from './measure/workload.ts';
export { compare, type Comparison } from './measure/compare.ts';
export { newResult, type BenchHost, type BenchResult, type Measured } from './measure/result.ts';
export { spread, type Spread, type Timing } from './measure/measure.ts';
export { checkTask, comparedTasks, type Task, type Work } from './measure/tasks.ts';
export { tune, type TunedCase, type TuneOptions, type TuneResult } from './measure/tune.ts';
export { caseLine, comparisonLine, partsTable } from './measure/text.ts';
