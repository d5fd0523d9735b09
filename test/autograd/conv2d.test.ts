import { conv2dCases, winograd2x2Cases } from '../cases/conv2d.ts';
import { opSuite } from '../support/op-suite.ts';

await opSuite('conv2d', [...conv2dCases, ...winograd2x2Cases]);
