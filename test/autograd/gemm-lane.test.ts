import { testDevice } from '../support/device.ts';
import { loadCases, products } from '../support/op-case.ts';
import { opSuite } from '../support/op-suite.ts';

// Matrix products with the kernels for adapters without useful subgroups, on any adapter.
await testDevice({ tuning: 'cpu' });
const cases = await loadCases(products);
await opSuite(
  'lane',
  cases.filter(({ costly }) => !costly),
);
