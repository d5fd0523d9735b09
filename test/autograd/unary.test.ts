import { unaryCases } from '../cases/unary.ts';
import { opSuite } from '../support/op-suite.ts';

await opSuite('unary', unaryCases);
