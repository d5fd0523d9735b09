import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { grad } from '../../src/autograd/tape.ts';
import { tensor } from '../../src/tensor/create.ts';
import { tidy } from '../../src/tensor/scope.ts';
import { sizeOf } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { callOp, gradientToleranceOf, inputsOf, type OpCase } from '../cases/op-case.ts';
import type { Ref } from '../reference/array.ts';
import { centralDifference, hashedWeights } from './central-difference.ts';
import { assertClose } from './compare.ts';
import { testDevice } from './device.ts';
import { gpuOps } from './op-bindings.ts';

/** Most elements of one input whose gradient is compared; each costs two evaluations of the reference. */
const SAMPLES = 24;

/**
 * Makes two tests of each case: the results on the GPU against the float64 reference, and the gradients against central
 * differences of that reference. Both also check that no tensor is left behind.
 */
export async function opSuite(name: string, cases: readonly OpCase[]): Promise<void> {
  const device = await testDevice();
  const forward = suite(`${name}: forward`);
  const backward = suite(`${name}: gradient`);
  for (const c of cases) {
    forward(c.name, async () => {
      const before = device.memory().tensors;
      const inputs = inputsOf(c);
      const results = tidy(() => callOp(gpuOps, c, upload(c, inputs)));
      const expected = c.reference(inputs);
      assert.is(results.length, expected.length);
      for (const [i, result] of results.entries()) {
        assert.is(result.dtype, c.results[i]);
        assert.equal([...result.shape], [...expected[i]!.shape]);
        assertClose(await result.data(), expected[i]!, { tolerance: c.tolerance, label: `result ${i}` });
        result.dispose();
      }
      assert.is(device.memory().tensors, before, 'tensors left behind');
    });
    if (c.differentiable.length === 0) continue;
    backward(c.name, async () => {
      const before = device.memory().tensors;
      const inputs = inputsOf(c);
      const shape = c.reference(inputs)[0]!.shape;
      const weights = hashedWeights(c.name, sizeOf(shape));
      const gradients = tidy(() => {
        const leaves = upload(c, inputs);
        const wanted = c.differentiable.map((k) => leaves[k]!);
        for (const leaf of wanted) leaf.requiresGrad = true;
        const result = callOp(gpuOps, c, leaves)[0]!;
        return grad(result, wanted, { gradient: tensor(weights, { shape }) });
      });
      for (const [i, k] of c.differentiable.entries()) {
        const actual = await gradients[i]!.data();
        gradients[i]!.dispose();
        assert.equal([...gradients[i]!.shape], [...inputs[k]!.shape]);
        const first = (values: readonly Ref[]): Ref => c.reference(values)[0]!;
        const { elements, values } = centralDifference(first, inputs, k, weights, { samples: SAMPLES, seed: c.name });
        assertClose(
          Float32Array.from(elements, (e) => actual[e]!),
          values,
          {
            tolerance: gradientToleranceOf(c, k, sizeOf(shape)),
            label: `gradient of input ${k}`,
          },
        );
      }
      assert.is(device.memory().tensors, before, 'tensors left behind');
    });
  }
  forward.run();
  backward.run();
}

function upload(c: OpCase, inputs: readonly Ref[]): Tensor[] {
  return inputs.map(({ data }, i) => {
    const { shape, dtype } = c.inputs[i]!;
    return tensor(data, { shape, dtype });
  });
}
