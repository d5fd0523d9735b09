import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { init } from '../../src/node/init.ts';
import { setDefaultDevice, type Device } from '../../src/tensor/device.ts';
import { tidy } from '../../src/tensor/scope.ts';
import { grad } from '../../src/autograd/tape.ts';
import { ones } from '../../src/autograd/ops/create.ts';
import { conv2d } from '../../src/autograd/ops/conv2d.ts';
import { errorOf, testDevice, withDevice } from '../support/device.ts';
import { loadCases } from '../support/op-case.ts';
import { opSuite } from '../support/op-suite.ts';

// The convolutions that would use Winograd's algorithm, as direct sums.
const device = await testDevice({ winograd: false });
const isLarge = ({ shape: [r, s, c, k] }: { readonly shape: readonly number[] }): boolean =>
  r === 3 && s === 3 && Math.min(c!, k!) >= 32;
const cases = await loadCases(['conv2d']);
await opSuite(
  'direct',
  cases.filter(({ inputs, costly }) => isLarge(inputs[1]!) && !costly),
);

/** The files of the kernels that a convolution and its gradients compile on a device. */
function kernelsOf({ gpu }: Device): string[] {
  const files: string[] = [];
  const create = gpu.createShaderModule.bind(gpu);
  gpu.createShaderModule = (descriptor) => {
    files.push(descriptor.label!);
    return create(descriptor);
  };
  // F(4x4, 3x3) and F(2x2, 3x3).
  for (const [size, channels] of [
    [32, 32],
    [10, 128],
  ] as const) {
    tidy(() => {
      const x = ones([1, size, size, channels], { requiresGrad: true });
      const w = ones([3, 3, channels, channels], { requiresGrad: true });
      const y = conv2d(x, w, null, { padding: 1 });
      return grad(y, [x, w], { gradient: ones(y.shape) });
    }).forEach((t) => t.dispose());
  }
  gpu.createShaderModule = create;
  return files;
}

const test = suite('winograd: false');

test('no kernel of Winograd runs, in either direction', async () => {
  const isWinograd = (file: string): boolean => file.startsWith('winograd');
  await withDevice({}, async (other) => {
    const used = kernelsOf(other).filter(isWinograd);
    for (const step of ['input', 'filter', 'output', 'grad_output', 'grad_filter']) {
      assert.ok(used.includes(`winograd_${step}.wgsl`), `${used}`);
    }
  });
  await withDevice({ winograd: false }, async (direct) => {
    assert.equal(kernelsOf(direct).filter(isWinograd), []);
  });
});

test('anything but true and false is refused', async () => {
  const error = await errorOf(() => init({ winograd: 'off' as never }));
  assert.is(error.message, 'init: winograd is "off", expected true or false');
  setDefaultDevice(device);
});

test.run();
