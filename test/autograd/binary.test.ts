import { binaryCases } from '../cases/binary.ts';
import { opSuite } from '../support/op-suite.ts';

await opSuite('binary', binaryCases);
