import { normalizationCases } from '../cases/normalization.ts';
import { opSuite } from '../support/op-suite.ts';

await opSuite('normalization', normalizationCases);
