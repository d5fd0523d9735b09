import { reduceCases } from '../cases/reduce.ts';
import { opSuite } from '../support/op-suite.ts';

await opSuite('reduce', reduceCases);
