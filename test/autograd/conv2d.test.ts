import { conv2dCases } from '../cases/conv2d.ts';
import { opSuite } from '../support/op-suite.ts';

await opSuite('conv2d', conv2dCases);
