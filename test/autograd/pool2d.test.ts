import { pool2dCases } from '../cases/pool2d.ts';
import { opSuite } from '../support/op-suite.ts';

await opSuite('pool2d', pool2dCases);
