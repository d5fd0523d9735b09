import { upsampleCases } from '../cases/upsample.ts';
import { opSuite } from '../support/op-suite.ts';

await opSuite('upsample', upsampleCases);
