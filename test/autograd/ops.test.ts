// Every case of every operation except products, which take long (gemm.test.ts). RETINAGRAD_OPS=conv2d,relu runs the cases of
// these operations instead.
import { loadCases, products } from '../support/op-case.ts';
import { opSuites } from '../support/op-suite.ts';

const chosen = process.env['RETINAGRAD_OPS']?.split(',');
const cases = await loadCases(chosen);
await opSuites(chosen === undefined ? cases.filter(({ op }) => !products.includes(op)) : cases);
