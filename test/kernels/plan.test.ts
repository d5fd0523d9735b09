import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conv2dShape, convolutionRows, geometryOf } from '../../src/kernels/convolution/conv2d-geometry.ts';
import { phaseRows, phasesOf } from '../../src/kernels/convolution/conv2d-phases.ts';
import { planForward, planGradInput, planGradWeight } from '../../src/kernels/convolution/conv2d.ts';
import { tensorsOf, type Plan, type Planned, type Step } from '../../src/kernels/convolution/plan.ts';
import { planProduct, planTransposed, type Rows } from '../../src/kernels/convolution/gemm.ts';
import { WORKSPACE_BYTES, builtInTuning, type AdapterFacts } from '../../src/kernels/tuning.ts';
import { partsOf, winogradFor } from '../../src/kernels/convolution/winograd.ts';
import type { Slice } from '../../src/kernels/run.ts';
import type { Shape } from '../../src/tensor/shape.ts';

// What the products of convolutions would launch on adapters that this computer does not have.

const adapterOf = (kind: 'hardware' | 'software', vendor: string, subgroupSize: number | null): AdapterFacts => ({
  tuning: builtInTuning({ kind, vendor, subgroupSize, name: vendor, architecture: '', tuned: false }),
  bindingLimit: 2 ** 27,
  winograd: true,
  limits: { maxComputeWorkgroupsPerDimension: 65_535, minStorageBufferOffsetAlignment: 256 },
});

const adapters = {
  llvmpipe: adapterOf('software', 'mesa', 8),
  swiftshader: adapterOf('software', 'google', 4),
  cpu: adapterOf('software', 'other', null),
  nvidia: adapterOf('hardware', 'nvidia', 32),
  gpu: adapterOf('hardware', 'other', null),
};

interface Case {
  readonly x: Shape;
  readonly w: Shape;
  readonly stride?: number;
  readonly padding?: number;
  readonly groups?: number;
}

const cases: Readonly<Record<string, Case>> = {
  stem: { x: [1, 224, 224, 4], w: [7, 7, 4, 64], stride: 2, padding: 3 },
  '3x3': { x: [4, 56, 56, 64], w: [3, 3, 64, 64], padding: 1 },
  '3x3, stride 2': { x: [2, 29, 30, 128], w: [3, 3, 128, 128], stride: 2, padding: 1 },
  '1x1': { x: [4, 28, 28, 256], w: [1, 1, 256, 1024] },
  '1x1, stride 2': { x: [2, 28, 28, 256], w: [1, 1, 256, 512], stride: 2 },
  grouped: { x: [1, 28, 28, 128], w: [3, 3, 4, 128], padding: 1, groups: 32 },
  'one pixel': { x: [1, 1, 1, 256], w: [3, 3, 256, 256], padding: 1 },
  'subnet of the largest level': { x: [4, 100, 152, 256], w: [3, 3, 256, 256], padding: 1 },
};

/** How often launches write each output. */
function writes(launches: readonly Rows[]): number[] {
  const { images, scatter } = launches[0]!;
  const counts = Array.from({ length: images * scatter.p * scatter.q }, () => 0);
  for (const { images: each, scatter: s } of launches) {
    for (let i = 0; i < each * s.rows; i++) {
      const row = Math.floor(i / s.rows) * s.p + s.phase[0] + (i % s.rows) * s.every[0];
      for (let j = 0; j < s.cols; j++) counts[row * s.q + s.phase[1] + j * s.every[1]]!++;
    }
  }
  return counts;
}

/** Rows, or values of a span, and vectors of columns that a workgroup computes, as the heads of the kernels say. */
function blockOf(file: string, consts: Readonly<Record<string, unknown>>): readonly [number, number] {
  const { TX, TY, SIZE, LANES, ROWS } = consts as Readonly<Record<string, number>>;
  if (file === 'gemm_tile.wgsl') return [8 * TY!, 2 * TX!];
  if (file === 'gemm_broadcast.wgsl') return [16, 8];
  return [((file === 'gemm_lane.wgsl' ? 8 : ROWS!) * SIZE!) / LANES!, LANES!];
}

/** The number of multiply-adds of a launch, whose workgroups must be allowed, enough and not too many. */
function checkProduct(adapter: AdapterFacts, product: Parameters<typeof planProduct>[1], message: string): number {
  const { kernel, consts, params, groups } = planProduct(adapter, product);
  const [x, y = 1, z = 1] = groups;
  assert.ok(Math.max(x, y, z) <= adapter.limits.maxComputeWorkgroupsPerDimension, `${message}: ${groups}`);
  const [rows, vectors] = blockOf(kernel.file, consts);
  const rowBlocks = Math.ceil(params.pixels / rows);
  assert.ok(x * y >= rowBlocks && x * y < rowBlocks + x, `${message}: ${groups} for ${params.pixels} rows`);
  assert.is(z, Math.ceil(params.k4 / vectors), `${message}: ${groups} for ${params.k4} vectors`);
  return params.pixels * params.spansY * params.spansX * params.span * 4 * params.k4 * 4;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

for (const [adapterName, adapter] of Object.entries(adapters)) {
  for (const [name, { x, w, stride = 1, padding = 0, groups = 1 }] of Object.entries(cases)) {
    const options = { stride, padding, groups };
    const geometry = geometryOf('test', w, options);
    const y = conv2dShape(x, w, options);
    const [n, p, q, k] = y;
    const [r, s, c] = w as [number, number, number];

    test(`${adapterName}, ${name}: a direct sum multiplies what the formula says and writes each output once`, () => {
      const rows = convolutionRows(geometry, x, w, [p, q], n);
      assert.is(checkProduct(adapter, { ...rows, k, groups }, name), n * p * q * k * r * s * c);
      const counts = writes([rows]);
      assert.is(counts.length, n * p * q);
      assert.ok(counts.every((count) => count === 1));
    });

    test(`${adapterName}, ${name}: the phases of the input gradient multiply no zero and write each pixel once`, () => {
      const [, height, width, channels] = x as [number, number, number, number];
      const launches = phasesOf(w, geometry, [height, width]).map((phase) => ({
        images: n,
        ...phaseRows(phase, geometry, y, x),
      }));
      assert.is(launches.length, Math.min(stride, height) * Math.min(stride, width));
      // Taps that lie over a pixel, with outputs outside counted, which are read as zeros.
      const reached = (extent: number, taps: number): number => {
        let count = 0;
        for (let i = 0; i < extent; i++)
          for (let t = 0; t < taps; t++) count += Number((i + padding - t) % stride === 0);
        return count;
      };
      const work = launches.map((rows) => checkProduct(adapter, { ...rows, k: channels, groups }, name));
      assert.is(sum(work), n * reached(height, r) * reached(width, s) * (k / groups) * channels);
      assert.ok(writes(launches).every((count) => count === 1));
    });

    test(`${adapterName}, ${name}: the parts of a weight gradient cover all pixels and fit the workspace`, () => {
      const { images, gather, scatter } = convolutionRows(geometry, x, w, [p, q], n);
      const product = { images, gather, outputs: [scatter.rows, scatter.cols] as const, k, groups };
      const { params, partial, groups: workgroups } = planTransposed(adapter, product);
      const [batch, splits, elements] = partial;
      assert.is(params.pixels * elements, n * p * q * k * r * s * c);
      assert.is(batch, 1);
      assert.ok(splits * params.perSplit >= n * p * q);
      assert.ok(splits === 1 || splits * elements * 4 <= WORKSPACE_BYTES, `${splits} parts of ${elements}`);
      const max = adapter.limits.maxComputeWorkgroupsPerDimension;
      assert.ok(workgroups.every((count) => count! > 0 && count! <= max));
      assert.is(workgroups[2], splits);
    });
  }
}

/** The side of Winograd's tiles for a case, 0 for a direct sum. */
function sideOf(adapter: AdapterFacts, { x, w, ...options }: Case): number {
  const [n, p, q] = conv2dShape(x, w, options);
  return winogradFor(adapter, w, geometryOf('test', w, options), [n, p, q])?.side ?? 0;
}

test('3x3 filters without stride or groups use Winograd where there is work enough for the adapter', () => {
  const sides = (adapter: AdapterFacts): string[] =>
    Object.entries(cases).flatMap(([name, shapes]) => {
      const side = sideOf(adapter, shapes);
      return side === 0 ? [] : [`${name}: ${side}`];
    });
  const large = 'subnet of the largest level: 4';
  for (const software of ['llvmpipe', 'swiftshader', 'cpu'] as const) {
    assert.equal(sides(adapters[software]), ['3x3: 4', large], software);
  }
  // 4 x 56 x 56 x 64 x 64 x 9 multiply-adds are fewer than 2^30.
  for (const gpu of ['nvidia', 'gpu'] as const) assert.equal(sides(adapters[gpu]), [large], gpu);
  assert.equal(sides({ ...adapters.llvmpipe, winograd: false }), []);
});

test('a transformed filter that cannot be bound leaves the smaller tiles, or the direct sum', () => {
  const large = cases['subnet of the largest level']!;
  // 36 and 16 matrices of 256 x 256 values of four bytes.
  assert.is(sideOf({ ...adapters.nvidia, bindingLimit: 36 * 2 ** 18 }, large), 4);
  assert.is(sideOf({ ...adapters.nvidia, bindingLimit: 36 * 2 ** 18 - 4 }, large), 2);
  assert.is(sideOf({ ...adapters.nvidia, bindingLimit: 16 * 2 ** 18 - 4 }, large), 0);
});

test("the parts of Winograd's tiles follow each other, cover all and fit the workspace and the binding limit", () => {
  const { x, w } = cases['subnet of the largest level']!;
  const [n, p, q] = conv2dShape(x, w, { padding: 1 });
  for (const bindingLimit of [2 ** 27, 12 * 2 ** 20]) {
    const adapter = { ...adapters.nvidia, bindingLimit };
    const algorithm = winogradFor(adapter, w, geometryOf('test', w, { padding: 1 }), [n, p, q])!;
    const parts = partsOf(adapter, n, algorithm, [p, q], 256);
    assert.ok(parts.length > 1);
    let next = 0;
    for (const { first, tiles } of parts) {
      assert.is(first, next);
      assert.ok(tiles * algorithm.elements * 256 * 4 <= Math.min(WORKSPACE_BYTES, bindingLimit));
      next += tiles;
    }
    assert.is(next, n * Math.ceil(p / algorithm.side) * Math.ceil(q / algorithm.side));
  }
});

test('small groups of channels take the kernel whose lanes load what they need, on all adapters', () => {
  const [x, w, groups] = [[1, 28, 28, 128], [3, 3, 4, 128], 32] as const;
  const geometry = geometryOf('test', w, { padding: 1, groups });
  const rows = convolutionRows(geometry, x, w, [28, 28], 1);
  for (const [name, adapter] of Object.entries(adapters)) {
    assert.is(planProduct(adapter, { ...rows, k: 128, groups }).kernel.file, 'gemm_lane.wgsl', name);
  }
  const files = Object.values(adapters).map((adapter) => planProduct(adapter, { ...rows, k: 128 }).kernel.file);
  assert.equal(
    files,
    ['subgroup', 'broadcast', 'lane', 'tile', 'tile'].map((family) => `gemm_${family}.wgsl`),
  );
});

test('few pixels take a smaller tile, so that more workgroups share the work', () => {
  const tile = (pixels: number): unknown => {
    const geometry = geometryOf('test', [1, 1, 256, 256], {});
    const rows = convolutionRows(geometry, [1, 1, pixels, 256], [1, 1, 256, 256], [1, pixels], 1);
    return planProduct(adapters.nvidia, { ...rows, k: 256 }).consts;
  };
  assert.equal(tile(128 * 128), { TX: 16, TY: 16, TRANSPOSED: false });
  assert.equal(tile(128 * 128 - 128), { TX: 8, TY: 16, TRANSPOSED: false });
  assert.equal(tile(64), { TX: 8, TY: 8, TRANSPOSED: false });
});

/** The tensors that a step writes. */
function written(step: Step): Planned[] {
  if (step.kind === 'copy') return [step.y.tensor];
  if (step.kind !== 'launch') return [step.y];
  const names = Object.entries(step.kernel.bindings).filter(([, kind]) => kind === 'storage');
  return names.map(([name]) => {
    const bound = (step.launch.bind as Record<string, Planned | Slice<Planned>>)[name]!;
    return 'tensor' in bound ? bound.tensor : bound;
  });
}

/** The multiply-adds of a plan's products. No step may read values that are not there, and none may stay but the result. */
function checkPlan(adapter: AdapterFacts, { steps, ends, result }: Plan): number {
  const alive = new Set<Planned>();
  let work = 0;
  steps.forEach((step, i) => {
    const writes = written(step);
    for (const tensor of tensorsOf(step)) {
      assert.ok(tensor.isOperand || alive.has(tensor) || writes.includes(tensor), `${tensor.name} is read too early`);
    }
    for (const tensor of writes) {
      assert.not(tensor.isOperand, tensor.name);
      alive.add(tensor);
    }
    if (step.kind === 'derive') work += checkPlan(adapter, step.plan);
    if (step.kind === 'launch') work += checkLaunch(adapter, step);
    for (const tensor of ends[i]!) assert.ok(alive.delete(tensor), `${tensor.name} ends twice`);
  });
  assert.equal([...alive], [result]);
  return work;
}

/** The multiply-adds of a launch that is a product, else 0. Everything must fit the adapter. */
function checkLaunch(adapter: AdapterFacts, { kernel, launch }: Step & { readonly kind: 'launch' }): number {
  for (const [name, bound] of Object.entries<Planned | Slice<Planned>>(launch.bind)) {
    const { start = 0, count = 0, size = count } = bound as Partial<Planned & Slice<Planned>>;
    assert.ok(4 * size <= adapter.bindingLimit, `${kernel.file}: ${name} has ${size} values`);
    assert.is((4 * start) % adapter.limits.minStorageBufferOffsetAlignment, 0, `${kernel.file}: ${name}`);
  }
  const max = adapter.limits.maxComputeWorkgroupsPerDimension;
  assert.ok(launch.groups.every((count) => count! > 0 && count! <= max));
  const params = launch.params as Readonly<Record<string, number>>;
  const { pixels = 0, spans = params['spansY']! * params['spansX']!, span, k4, xBatch } = params;
  if (!kernel.file.startsWith('gemm')) return 0;
  // A batch of Winograd's products, or one product.
  const batch = xBatch === 0 ? 1 : Math.max(...tensorsOf({ kind: 'launch', kernel, launch }).map((t) => t.shape[0]!));
  return batch * pixels * spans * span! * 4 * k4! * 4;
}

const all = { scale: true, bias: true, add: true, relu: true };
const odd: Readonly<Record<string, Case>> = {
  'three channels': { x: [3, 33, 31, 3], w: [7, 7, 3, 18], stride: 2, padding: 3 },
  '3x3 with odd channels': { x: [3, 33, 35, 45], w: [3, 3, 45, 54], padding: 1 },
  'groups of three channels': { x: [2, 12, 13, 18], w: [3, 3, 3, 12], padding: 1, groups: 6 },
};

for (const [adapterName, adapter] of Object.entries(adapters)) {
  for (const [name, { x, w, ...options }] of Object.entries({ ...cases, ...odd })) {
    test(`${adapterName}, ${name}: the plans of a convolution and its gradients`, () => {
      const y = conv2dShape(x, w, options);
      const shapes = { op: 'test', x, w, y, geometry: geometryOf('test', w, options) };
      const gradInputParts = { ...all, scale: false, relu: false };
      const plans = (facts: AdapterFacts): number[] =>
        [
          planForward(facts, shapes, all),
          planGradInput(facts, shapes, gradInputParts),
          planGradWeight(facts, shapes),
        ].map((plan) => checkPlan(facts, plan));
      const direct = plans({ ...adapter, winograd: false });
      assert.is(direct[0], direct[2]);
      if (winogradFor(adapter, w, shapes.geometry, [y[0], y[1], y[2]]) === null) return;
      // 36 products instead of 16 x 9, with tiles that are partly outside.
      for (const work of plans(adapter)) {
        assert.ok(work < direct[0]! / 2 && work >= direct[0]! / 4, `${work} of ${direct}`);
      }
    });
  }
}

test('images that cannot be bound together are convolved in parts, which are copied if they start where none can be bound', () => {
  const [x, w, options] = [[5, 9, 9, 12], [3, 3, 12, 12], { padding: 1 }] as const;
  const y = conv2dShape(x, w, options);
  const shapes = { op: 'test', x, w, y, geometry: geometryOf('test', w, options) };
  const has = { ...all, scale: false, relu: false };
  const images = 9 * 9 * 12 * 4;
  const copies = (alignment: number): number[] => {
    const limits = { ...adapters.cpu.limits, minStorageBufferOffsetAlignment: alignment };
    const facts = { ...adapters.cpu, limits, bindingLimit: 2 * images };
    return [planForward(facts, shapes, has), planGradInput(facts, shapes, has), planGradWeight(facts, shapes)].map(
      (plan) => {
        checkPlan(facts, plan);
        return plan.steps.filter(({ kind }) => kind === 'copy').length;
      },
    );
  };
  // 2, 2 and 1 image; the image, the sum and the result of each.
  assert.equal(copies(256), [9, 9, 6]);
  assert.equal(copies(16), [0, 0, 0]);
});

test('a plan shows what a convolution does before it runs', () => {
  const [x, w, options] = [[2, 64, 64, 45], [3, 3, 45, 54], { padding: 1 }] as const;
  const y = conv2dShape(x, w, options);
  const shapes = { op: 'test', x, w, y, geometry: geometryOf('test', w, options) };
  const files = ({ steps }: Plan): string[] =>
    steps.flatMap((step) =>
      step.kind === 'derive' ? files(step.plan) : [step.kind === 'launch' ? step.kernel.file : step.kind],
    );
  const has = { scale: false, bias: true, add: false, relu: true };
  assert.equal(files(planForward(adapters.llvmpipe, shapes, has)), [
    'pad_channels.wgsl', // x
    'pad_channels.wgsl', // bias
    'zero', // w
    'walk',
    'winograd_filter.wgsl',
    'winograd_input.wgsl',
    'gemm_subgroup.wgsl',
    'winograd_output.wgsl',
    'walk', // the result
  ]);
  assert.equal(files(planForward(adapters.nvidia, shapes, has)).slice(-2), ['gemm_tile.wgsl', 'walk']);
});

test.run();
