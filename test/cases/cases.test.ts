/** Checks of the tables: the references accept every case, and each gradient that is compared exists. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ref, sizeOf, type Ref } from '../reference/array.ts';
import { centralDifference, hashedWeights } from '../support/central-difference.ts';
import { assertClose } from '../support/compare.ts';
import { inputsOf, loadCases } from '../support/op-case.ts';

const allCases = await loadCases();
const cheapCases = allCases.filter(({ costly }) => !costly);

/** Maximum number of terms in all elements of a result, for a software GPU and the references. */
const MOST_WORK = 2_000_000;

test('names are unique', () => {
  const gradients = allCases.filter((c) => c.differentiable.length > 0);
  console.log(
    `# ${new Set(allCases.map((c) => c.op)).size} operations in ${allCases.length} cases; ` +
      `gradients of ${new Set(gradients.map((c) => c.op)).size} in ${gradients.length}`,
  );
  const names = allCases.map((c) => c.name);
  assert.equal(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  );
});

test('inputs are the same each time, and numbers that their dtype holds', () => {
  for (const c of allCases) {
    const again = inputsOf(c);
    inputsOf(c).forEach(({ data }, k) => {
      const { dtype } = c.inputs[k]!;
      const cast = dtype === 'float32' ? Float32Array : dtype === 'int32' ? Int32Array : Uint32Array;
      const held = cast.from(data);
      assert.ok(
        data.every((value, i) => Object.is(value, again[k]!.data[i]) && (value === held[i] || Number.isNaN(held[i]))),
        `${c.name}: input ${k}`,
      );
    });
  }
});

test('references give one array for each result, finite for finite inputs, with little work', () => {
  for (const c of cheapCases) {
    const inputs = inputsOf(c);
    const results = c.reference(inputs);
    assert.is(results.length, c.results.length, c.name);
    assert.ok(c.terms * sizeOf(results[0]!.shape) <= MOST_WORK, `${c.name}: too much work`);
    for (const { shape, data } of results) {
      assert.is(data.length, sizeOf(shape), c.name);
      if (c.differentiable.length > 0) assert.ok(data.every(Number.isFinite), `${c.name}: not finite`);
    }
  }
});

test('only floats are differentiated, and each operation that has a gradient has a case for it', () => {
  for (const c of allCases) {
    for (const k of c.differentiable) assert.is(c.inputs[k]?.dtype, 'float32', c.name);
  }
  for (const op of new Set(allCases.map((c) => c.op))) {
    const own = allCases.filter((c) => c.op === op && c.hasGradient);
    assert.ok(own.length === 0 || own.some((c) => c.differentiable.length > 0), `${op}: no gradient is checked`);
  }
});

test('central differences agree with gradients that are written out, or with those of another step: no kink is near', () => {
  for (const c of cheapCases) {
    const inputs = inputsOf(c);
    const { shape } = c.reference(inputs)[0]!;
    const weights = hashedWeights(c.name, sizeOf(shape));
    const written = c.gradients?.(ref(shape, weights), inputs);
    for (const k of c.differentiable) {
      const options = { samples: 6, seed: c.name };
      const first = (list: readonly Ref[]): Ref => c.reference(list)[0]!;
      const { elements, values } = centralDifference(first, inputs, k, weights, options);
      const other =
        written === undefined
          ? centralDifference(first, inputs, k, weights, { ...options, step: 2 ** -19 }).values
          : Float64Array.from(elements, (element) => written[k]!.data[element]!);
      const tolerance = { relative: 1e-6, absolute: 1e-7, largest: 1e-7 };
      assertClose(other, values, { tolerance, label: `${c.name}: input ${k}` });
      if (written !== undefined) assert.equal(written[k]!.shape, inputs[k]!.shape, `${c.name}: input ${k}`);
    }
  }
});

test.run();
