// Errors for programs without types: each names the function, what was given and what is expected.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as api from '../../src/index.ts';
import { errorOf, testDevice } from '../support/device.ts';

const device = await testDevice();
/** The library as a program without types sees it. */
const R = api as unknown as Record<string, (...args: unknown[]) => unknown>;

const x = api.tensor([1, 2, 3, 4], { shape: [2, 2] });
const scalar = api.tensor(1);
const parameter = new api.Parameter(api.tensor([1]));
/** A class of the library, called as a function that makes an object. */
const make = (name: 'SGD' | 'Adam', ...args: unknown[]): unknown =>
  Reflect.construct(api[name] as new (...args: unknown[]) => unknown, args);
const types = 'float32, int32, uint32, bool';
const refused: readonly (readonly [call: () => unknown, message: string])[] = [
  // Shapes
  [() => R['zeros']!(3), 'zeros: the shape is 3, expected an array of integers; did you mean [3]?'],
  [() => R['ones']!(), 'ones: the shape is undefined, expected an array of integers'],
  [() => R['full']!('3', 1), 'full: the shape is "3", expected an array of integers'],
  [() => R['zeros']!([2, 1.5]), 'zeros: an extent of the shape [2,1.5] is 1.5, expected an integer >= 0'],
  [() => R['zeros']!([2, '3']), 'zeros: an extent of the shape [2,"3"] is "3", expected an integer >= 0'],
  [() => R['randn']!(3, 3), 'randn: the shape is 3, expected an array of integers; did you mean [3]?'],
  [() => R['reshape']!(x, 4), 'reshape: the shape is 4, expected an array of integers; did you mean [4]?'],
  [() => R['broadcastTo']!(x, 4), 'broadcastTo: the shape is 4, expected an array of integers; did you mean [4]?'],
  [() => R['slice']!(x, 0, 2), 'slice: starts is 0, expected an array of integers; did you mean [0]?'],
  [() => R['transpose']!(x, 1, 0), 'transpose: order is 1, expected an array of integers; did you mean [1]?'],
  [() => R['pad']!(x, 1), 'pad: amounts is 1, expected an array of pairs; did you mean [1]?'],
  [() => R['concat']!(x, x), 'concat: tensors is Tensor(float32 [2,2]), expected an array of tensors'],
  [() => R['softmax']!(scalar), 'softmax: axis is -1, but a scalar has no axes'],
  // Types
  [
    () => R['tensor']!([1], { dtype: 'float16' }),
    `tensor: dtype is "float16", expected one of ${types}; did you mean float32?`,
  ],
  [() => R['zeros']!([1], { dtype: 'double' }), `zeros: dtype is "double", expected one of ${types}`],
  [
    () => R['zeros']!([1], { dtype: Float32Array }),
    `zeros: dtype is the function Float32Array, expected one of ${types}`,
  ],
  [() => R['cast']!(x, 'int'), `cast: dtype is "int", expected one of ${types}; did you mean int32?`],
  [() => R['cast']!(x), `cast: dtype is undefined, expected one of ${types}`],
  [
    () => R['tensor']!([1], { dtype: 'int32', requiresGrad: true }),
    'tensor: requiresGrad needs float32, the type is int32',
  ],
  // Options
  [
    () => R['randn']!([2], { seed: 'a' }),
    `randn: seed is "a", expected an integer from 0 to ${Number.MAX_SAFE_INTEGER}`,
  ],
  [() => R['rand']!([2], 7), 'rand: options are 7, expected an object with seed, device, requiresGrad'],
  [
    () => R['tensor']!(new Float32Array(4), [2, 2]),
    'tensor: options are [2,2], expected an object with shape, dtype, device, requiresGrad',
  ],
  [
    () => R['tensor']!([1], 'int32'),
    'tensor: options are "int32", expected an object with shape, dtype, device, requiresGrad',
  ],
  [
    () => R['tensor']!([1], null),
    'tensor: options are null, expected an object with shape, dtype, device, requiresGrad',
  ],
  [
    () => R['tensor']!([1], { requires_grad: true }),
    'tensor: there is no option requires_grad; did you mean requiresGrad?',
  ],
  [() => R['zeros']!([1], { seed: 1 }), 'zeros: there is no option seed; expected dtype, device, requiresGrad'],
  [() => R['zeros']!([1], { device: 'cpu' }), 'zeros: device is "cpu", expected a Device, which init() returns'],
  [() => R['mean']!(x, { axis: 0 }), 'mean: axes are { axis: 0 }, expected an integer or an array of integers'],
  [() => R['sum']!(x, { axes: [0] }), 'sum: axes are { axes: [0] }, expected an integer or an array of integers'],
  [() => R['max']!(x, '0'), 'max: axes are "0", expected an integer or an array of integers'],
  [() => R['sum']!(x, [0, '1']), 'sum: axis is "1", expected an integer from -2 to 1'],
  [() => R['sum']!(x, 0, true), 'sum: options are true, expected an object with keepDims'],
  [() => R['min']!(x, 0, { keepdim: true }), 'min: there is no option keepdim; did you mean keepDims?'],
  [
    () => R['backward']!(x, { retain_graph: true }),
    'backward: there is no option retain_graph; did you mean retainGraph?',
  ],
  [() => R['grad']!(x, x), 'grad: tensors is Tensor(float32 [2,2]), expected an array of tensors'],
  [
    () => make('SGD', [parameter], { lr: 1, weight_decay: 1 }),
    'SGD: there is no option weight_decay; did you mean weightDecay?',
  ],
  [() => make('Adam', [parameter], 0.1), 'Adam: options are 0.1, expected an object with lr, betas, eps, weightDecay'],
  [() => R['conv2d']!([1], x), 'conv2d: x is [1], expected a tensor; make one with tensor()'],
  [() => R['conv2d']!(x, x, null, { strides: 2 }), 'conv2d: there is no option strides; did you mean stride?'],
  [() => R['maxPool2d']!(x, { kernelSize: 2 }), 'maxPool2d: there is no option kernelSize; did you mean kernel?'],
  // Operands
  [() => R['add']!(x, [1, 2]), 'add: b is [1,2], expected a tensor or a number; make one with tensor()'],
  [
    () => R['mul']!(new Float32Array(2), x),
    'mul: a is Float32Array, expected a tensor or a number; make one with tensor()',
  ],
  [() => R['sub']!(x, '1'), 'sub: b is "1", expected a tensor or a number'],
  [() => R['div']!(x), 'div: b is undefined, expected a tensor or a number'],
  [() => R['relu']!([1]), 'relu: the operand is [1], expected a tensor; make one with tensor()'],
  [() => R['exp']!(), 'exp: the operand is undefined, expected a tensor'],
  [() => R['sum']!([1, 2]), 'sum: x is [1,2], expected a tensor; make one with tensor()'],
  [() => R['where']!([1], x, 0), 'where: the condition is [1], expected a tensor; make one with tensor()'],
  [() => R['where']!(x, [1], 0), 'where: a choice is [1], expected a tensor or a number; make one with tensor()'],
  [() => R['reshape']!([1], [1]), 'reshape: x is [1], expected a tensor; make one with tensor()'],
  [() => R['concat']!([x, [1]], 0), 'concat: one of the tensors is [1], expected a tensor; make one with tensor()'],
  [() => R['assign']!(x, [1]), 'assign: source is [1], expected a tensor; make one with tensor()'],
  [() => R['axpby']!([1], x, 1, 1), 'axpby: x is [1], expected a tensor; make one with tensor()'],
  [() => R['axpby']!(x), 'axpby: y is undefined, expected a tensor'],
  [() => R['softmax']!([1]), 'softmax: an operand is [1], expected a tensor; make one with tensor()'],
  [() => R['matmul']!(x, [[1]]), 'matmul: an operand is [[1]], expected a tensor; make one with tensor()'],
  [() => R['backward']!(3), 'backward: the tensor is 3, expected a tensor'],
  // Values
  [
    () => R['tensor']!(new DataView(new ArrayBuffer(8))),
    'tensor: expected numbers, arrays of numbers, a typed array of numbers or an ndarray, got DataView',
  ],
  [
    () => R['tensor']!(new BigInt64Array(2)),
    'tensor: expected numbers, arrays of numbers, a typed array of numbers or an ndarray, got BigInt64Array',
  ],
  [
    () => R['tensor']!(),
    'tensor: expected numbers, arrays of numbers, a typed array of numbers or an ndarray, got undefined',
  ],
  [
    () => R['tensor']!([1, 'two']),
    'tensor: expected numbers, arrays of numbers, a typed array of numbers or an ndarray, got "two"',
  ],
  [
    () => R['tensor']!(x),
    'tensor: expected numbers, arrays of numbers, a typed array of numbers or an ndarray, got Tensor(float32 [2,2])',
  ],
  [() => R['write']!(x, x), 'write: values are Tensor(float32 [2,2]), expected an array of numbers or a typed array'],
  [() => R['write']!(x, '1234'), 'write: values are "1234", expected an array of numbers or a typed array'],
  [() => R['write']!([1], [1]), 'write: target is [1], expected a tensor; make one with tensor()'],
  [
    () => R['encodeSafetensors']!(new Map([['w', { shape: [2, 2], data: new Float32Array(3) }]])),
    'encodeSafetensors: 3 values of w do not fill the shape [2,2]',
  ],
  [
    () => R['encodeSafetensors']!(new Map([['w', { shape: [2], data: new Float64Array(2) }]])),
    'encodeSafetensors: the data of w are Float64Array, expected a Float32Array',
  ],
];

test('wrong arguments', async () => {
  for (const [call, message] of refused) assert.is((await errorOf(call)).message, message);
});

test('they allocate nothing', async () => {
  const before = device.memory().tensors;
  for (const [call] of refused) await errorOf(call);
  assert.is(device.memory().tensors, before);
});

test('options that are undefined are those that are not given', () => {
  api.tensor([1], { dtype: undefined, shape: undefined } as never).dispose();
  (R['zeros']!([1], undefined) as api.Tensor).dispose();
});

test.run();
