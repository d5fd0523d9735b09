import { matmulCases } from '../cases/matmul.ts';
import { opSuite } from '../support/op-suite.ts';

await opSuite('matmul', matmulCases);
