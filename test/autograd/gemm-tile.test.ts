import { testDevice } from '../support/device.ts';
import { loadCases, products } from '../support/op-case.ts';
import { opSuite } from '../support/op-suite.ts';

// Matrix products with the kernels for GPUs, on any adapter.
await testDevice({ tuning: 'nvidia' });
const cases = await loadCases(products);
await opSuite(
  'tile',
  cases.filter(({ costly }) => !costly),
);
