import { shapeCases } from '../cases/shape.ts';
import { opSuite } from '../support/op-suite.ts';

await opSuite('shape', shapeCases);
