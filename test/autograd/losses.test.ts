import { lossCases } from '../cases/losses.ts';
import { opSuite } from '../support/op-suite.ts';

await opSuite('losses', lossCases);
