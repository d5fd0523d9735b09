// The package's entry in Node: everything of index.ts, with an `init` that looks for drivers. (A name exported here
// takes the place of the one that comes through the star.)
export * from './index.ts';
export { init } from './node/init.ts';
