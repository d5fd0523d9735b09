import { conv2dCases } from '../cases/conv2d.ts';
import { matmulCases } from '../cases/matmul.ts';
import { testDevice } from '../support/device.ts';
import { opSuite } from '../support/op-suite.ts';

// The products of the kernels for GPUs, on whatever adapter there is.
await testDevice({ tuning: 'nvidia' });
await opSuite('conv2d, tile', conv2dCases);
await opSuite('matmul, tile', matmulCases);
