// The entry `retinagrad/bench` in Node, which `retinagrad bench` runs: everything of bench.ts, and what reads files and starts
// processes. (A name exported here takes the place of the one that comes through the star.)
export * from './bench.ts';
export { imageDecoder } from './measure/node/decoding.ts';
export { measureFirstStep, type FirstStep } from './measure/node/first-step.ts';
export { measureLoader, type LoaderBenchOptions, type LoaderRow } from './measure/node/loader.ts';
export { newResult } from './measure/node/new-result.ts';
export { keepTuning, tuningFile } from './node/tuning-file.ts';
