import { conv2dCases } from '../cases/conv2d.ts';
import { matmulCases } from '../cases/matmul.ts';
import { testDevice } from '../support/device.ts';
import { opSuite } from '../support/op-suite.ts';

// The products of the kernels for adapters without useful subgroups, on whatever adapter there is.
await testDevice({ tuning: 'cpu' });
await opSuite('conv2d, lane', conv2dCases);
await opSuite('matmul, lane', matmulCases);
