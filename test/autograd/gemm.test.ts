import { loadCases, products } from '../support/op-case.ts';
import { opSuites } from '../support/op-suite.ts';

// Matrix products with the kernels that are chosen for this adapter.
await opSuites(await loadCases(products));
