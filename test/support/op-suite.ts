import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { grad } from '../../src/autograd/tape.ts';
import { init } from '../../src/node/init.ts';
import { tensor } from '../../src/tensor/create.ts';
import { setDefaultDevice, type Device } from '../../src/tensor/device.ts';
import type { DType, HostArrays } from '../../src/tensor/dtype.ts';
import { tidy } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { ref, type Ref } from '../reference/array.ts';
import { centralDifference, hashedWeights } from './central-difference.ts';
import { assertClose } from './compare.ts';
import { leavesNothing, testDevice } from './device.ts';
import { gradientToleranceOf, inputsOf, type OpCase } from './op-case.ts';

/** Maximum number of elements of an input that central differences are taken of; each costs two evaluations of the reference. */
const SAMPLES = 24;

/**
 * Makes two tests of each case: the results on the GPU against the float64 reference, and the gradients against those that
 * are written out or central differences of that reference. Both also check that no tensor is left behind.
 */
export async function opSuite(name: string, cases: readonly OpCase[]): Promise<void> {
  const device = await testDevice();
  const forward = suite(`${name}: forward`);
  const backward = suite(`${name}: gradient`);
  for (const c of cases) {
    forward(c.name, () => leavesNothing(device, () => checkForward(c)));
    if (c.differentiable.length > 0) backward(c.name, () => leavesNothing(device, () => checkGradients(c)));
  }
  forward.run();
  backward.run();
}

async function checkForward(c: OpCase): Promise<void> {
  const inputs = inputsOf(c);
  const results = tidy(() => c.run(upload(c, inputs)));
  const expected = c.reference(inputs);
  assert.is(results.length, expected.length);
  for (const [i, result] of results.entries()) {
    assert.is(result.dtype, c.results[i]);
    assert.equal([...result.shape], [...expected[i]!.shape]);
    assertClose(await result.data(), expected[i]!, { tolerance: c.tolerance, label: `result ${i}` });
    result.dispose();
  }
}

async function checkGradients(c: OpCase): Promise<void> {
  const inputs = inputsOf(c);
  const [result, ...gradients] = tidy(() => differentiate(c, inputs));
  const { shape, size } = result!; // As in checkForward, which compares it.
  result!.dispose();
  const weights = weightsOf(c, size);
  const written = c.gradients?.(ref(shape, weights), inputs);
  const first = (values: readonly Ref[]): Ref => c.reference(values)[0]!;
  for (const [i, k] of c.differentiable.entries()) {
    const actual = await gradients[i]!.data();
    gradients[i]!.dispose();
    assert.equal([...gradients[i]!.shape], [...inputs[k]!.shape]);
    const options = { tolerance: gradientToleranceOf(c, k, size), label: `gradient of input ${k}` };
    if (written !== undefined) {
      assertClose(actual, written[k]!, options);
      continue;
    }
    const { elements, values } = centralDifference(first, inputs, k, weights, { samples: SAMPLES, seed: c.name });
    const sampled = Float32Array.from(elements, (element) => actual[element]!);
    assertClose(sampled, values, options);
  }
}

/** The suites of each operation of a list of cases. */
export async function opSuites(cases: readonly OpCase[]): Promise<void> {
  for (const op of new Set(cases.map((c) => c.op))) {
    await opSuite(
      op,
      cases.filter((c) => c.op === op),
    );
  }
  await slicedSuite(cases.filter(({ sliced }) => sliced));
}

/** Bytes that the device of `slicedSuite` binds at once. */
const LIMIT = 4096;

/** Makes a test of each case: on a device that binds only 4 KiB at once, results and gradients are the same. */
async function slicedSuite(cases: readonly OpCase[]): Promise<void> {
  if (cases.length === 0) return;
  const device = await testDevice();
  const sliced = suite<{ small: Device }>('sliced');
  sliced.before(async (context) => {
    context.small = await init({ bindingLimit: LIMIT });
    setDefaultDevice(device);
  });
  sliced.after(({ small }) => small.destroy());
  for (const c of cases) {
    sliced(c.name, async ({ small }) => {
      const expected = await computeAll(c);
      assert.ok(
        expected.some((values) => values.byteLength > LIMIT),
        'the case is too small to be sliced',
      );
      setDefaultDevice(small);
      const actual = await computeAll(c).finally(() => setDefaultDevice(device));
      // Sums are split at other places, so they may be rounded differently.
      const tolerance = { relative: 1e-5, largest: 1e-5 };
      expected.forEach((values, i) => assertClose(actual[i]!, values, { tolerance, label: `tensor ${i}` }));
    });
  }
  sliced.run();
}

/** The results of a case on the default device, and its gradients. */
async function computeAll(c: OpCase): Promise<HostArrays[DType][]> {
  const tensors = tidy(() => differentiate(c, inputsOf(c)));
  try {
    return await Promise.all(tensors.map((t) => t.data()));
  } finally {
    for (const t of tensors) t.dispose();
  }
}

/** The first result of a case, and the gradients of the inputs that are differentiated. */
function differentiate(c: OpCase, inputs: readonly Ref[]): Tensor[] {
  const leaves = upload(c, inputs);
  const wanted = c.differentiable.map((k) => leaves[k]!);
  for (const leaf of wanted) leaf.requiresGrad = true;
  const result = c.run(leaves)[0]!;
  const gradient = tensor(weightsOf(c, result.size), { shape: result.shape });
  return [result, ...grad(result, wanted, { gradient })];
}

/** The gradient of the first result that is sent backward. */
const weightsOf = (c: OpCase, size: number): Float64Array => hashedWeights(c.name, size);

function upload(c: OpCase, inputs: readonly Ref[]): Tensor[] {
  return inputs.map(({ data }, i) => {
    const { shape, dtype } = c.inputs[i]!;
    return tensor(data, { shape, dtype });
  });
}
