import { createRequire } from 'node:module';
import { browserLike } from './dawn.mjs';
import { detections } from './detections.ts';
import { channelsFirst, channelsLast, filtersFirst, filtersLast } from './layout.ts';
import { lossWeights, PROBED, retinaNet } from './retinanet.ts';
import { serve } from './worker.mjs';

const { adapter, peakBytes } = await browserLike();
// The library inspects the browser while it loads.
const jax = await import('@jax-js/jax');
const { jit, lax, nn, numpy: np, tree, valueAndGrad, vjp } = jax;
await jax.init('webgpu');
jax.defaultDevice('webgpu');
const { version } = createRequire(import.meta.url)('./node_modules/@jax-js/jax/package.json');

// jax-js counts references: an operation consumes its arguments, and `x.ref` is another reference. Its convolutions expect
// images as NCHW and filters as OIHW.

const load = ({ shape, read }) => ({ shape, data: read() });
const upload = ({ shape, data }) => np.array(data, { shape: [...shape] });
const image = (operand) => upload(channelsFirst(load(operand)));
const asIs = (x) => x;

/**
 * A case that runs the compiled `op` on arrays.
 *
 * @param outputs How to convert each result back.
 */
function kernel(inputs, op, outputs) {
  const compiled = jit(op);
  const once = () => compiled(...inputs.map((x) => x.ref));
  let last = null;
  return {
    async run() {
      tree.dispose(last);
      last = once();
      // Evaluation is lazy; asking for the buffers sends the commands and does not wait.
      await Promise.all(last.map((x) => x.ref.gpuBuffer()));
    },
    // The queue is processed in order, so earlier commands are done too.
    finish: () => jax.blockUntilReady(last),
    async results() {
      const arrays = once();
      const shapes = arrays.map((x) => [...x.shape]);
      const values = await Promise.all(arrays.map((x) => x.data()));
      return values.map((data, i) => outputs[i]({ shape: shapes[i], data }).data);
    },
    release() {
      tree.dispose([last, ...inputs]);
      compiled.dispose();
    },
  };
}

const convolve = (x, w, stride, padding) =>
  lax.convGeneralDilated(
    x,
    w,
    [stride, stride],
    [
      [padding, padding],
      [padding, padding],
    ],
  );

/** Largest value of 3x3 windows with stride 2. Padding is with zeros; with `isBelowZero` it is with the smallest values. */
function maxPool(x, isBelowZero) {
  const around = { 2: [1, 1], 3: [1, 1] };
  const border = isBelowZero ? np.pad(np.ones(x.shape), around).sub(1).mul(1e30) : 0;
  return lax.reduceWindow(np.pad(x, around).add(border), np.max, [1, 1, 3, 3], [1, 1, 2, 2]);
}

const upsample = (x) => np.repeat(np.repeat(x, 2, 2), 2, 3);

/** Per channel, over the other axes. */
const perChannel = (x) => x.reshape([1, -1, 1, 1]);

function normalized(x, mean, variance, scale, shift) {
  const factor = scale.div(np.sqrt(variance.add(1e-5)));
  return x.sub(perChannel(mean)).mul(perChannel(factor)).add(perChannel(shift));
}

function trainedNorm(x, scale, shift) {
  const mean = np.mean(x.ref, [0, 2, 3]);
  const variance = np.mean(np.square(x.ref.sub(perChannel(mean.ref))), [0, 2, 3]);
  return normalized(x, mean, variance, scale, shift);
}

const operations = {
  matmul: (_, { a, b }) => kernel([upload(load(a)), upload(load(b))], (x, y) => [np.matmul(x, y)], [asIs]),
  conv({ conv: { kind, stride, padding } }, { x, w, dy }) {
    const [pixels, filter, gradient] = [image(x), upload(filtersFirst(load(w))), image(dy)];
    if (kind === 'forward') {
      tree.dispose(gradient);
      return kernel([pixels, filter], (a, b) => [convolve(a, b, stride, padding)], [channelsLast]);
    }
    // Only one gradient is computed: the other operand is not an argument of the function.
    const op = (a, b, grad) => {
      const [inner, fixed] = kind === 'dx' ? [a, b] : [b, a];
      const f = (z) => (kind === 'dx' ? convolve(z, fixed, stride, padding) : convolve(fixed, z, stride, padding));
      const [y, pullback] = vjp(f, [inner]);
      tree.dispose(y);
      const [result] = pullback(grad);
      pullback.dispose();
      return [result];
    };
    return kernel([pixels, filter, gradient], op, [kind === 'dx' ? channelsLast : filtersLast]);
  },
  batchNorm: (_, { x, gamma, beta, dy }) =>
    kernel(
      [image(x), upload(load(gamma)), upload(load(beta)), image(dy)],
      (pixels, scale, shift, gradient) => {
        const [y, pullback] = vjp(trainedNorm, [pixels, scale, shift]);
        const gradients = pullback(gradient);
        pullback.dispose();
        return [y, ...gradients];
      },
      [channelsLast, channelsLast, asIs, asIs],
    ),
  maxPool: (_, { x }) => kernel([image(x)], (pixels) => [maxPool(pixels, true)], [channelsLast]),
  upsample: (_, { x }) => kernel([image(x)], (pixels) => [upsample(pixels)], [channelsLast]),
  trainStep(_, operands) {
    const { forward, weights, statistics, pixels } = network(operands, true);
    const count = operands.labels.shape[0];
    const { targets, focal, boxes } = lossWeights(operands.labels.read());
    const constants = [
      upload({ shape: [count, 2], data: targets }),
      upload({ shape: [count, 2], data: focal }),
      upload({ shape: [count, 1], data: boxes }),
      upload(load(operands.deltas)),
      pixels,
    ];
    const lossOf = (parameters, [target, focalWeight, boxWeight, wanted, x]) => {
      const [logits, deltas] = forward(parameters, x);
      const magnitude = np.log1p(np.exp(np.negative(np.abs(logits.ref))));
      const entropy = nn.relu(logits.ref).sub(logits.ref.mul(target.ref)).add(magnitude);
      const missed = np.square(target.sub(nn.sigmoid(logits))); // (1 - p of the target) squared.
      const scores = np.sum(focalWeight.mul(missed).mul(entropy));
      return scores.add(np.sum(boxWeight.mul(np.abs(deltas.sub(wanted)))));
    };
    const step = jit((parameters, momentum, given) => {
      const [loss, gradients] = valueAndGrad(lossOf)(tree.ref(parameters), given);
      const velocity = tree.map((v, g) => v.mul(0.9).add(g), momentum, gradients);
      const updated = tree.map((p, v) => p.sub(v.ref.mul(1e-4)), parameters, velocity);
      return [loss, updated, velocity];
    });
    let parameters = weights;
    let momentum = tree.map((p) => np.zeros(p.shape), weights);
    let probes = null;
    return {
      async run() {
        const [loss, updated, velocity] = step(parameters, momentum, tree.ref(constants));
        [parameters, momentum] = [updated, velocity];
        const value = await loss.data();
        probes ??= [value, ...(await Promise.all(PROBED.map((name) => parameters[name].ref.data())))];
      },
      finish: () => jax.blockUntilReady([parameters, momentum]),
      results: () => Promise.resolve(probes),
      release: () => tree.dispose([parameters, momentum, constants, statistics]),
    };
  },
  detect(_, operands) {
    const { forward, weights, statistics, pixels } = network(operands, false);
    const compiled = jit((parameters, x) => forward(parameters, x));
    const run = async () => {
      const outputs = compiled(tree.ref({ ...weights, ...statistics }), pixels.ref);
      return Promise.all(outputs.map((x) => x.data()));
    };
    return {
      run: async () => void detections(...(await run())),
      finish: () => undefined, // The values have been read.
      results: run,
      release: () => tree.dispose([weights, statistics, pixels]),
    };
  },
};

/** The network as a function of its weights and the image. Running statistics are used but not updated. */
function network(operands, isTraining) {
  const [weights, statistics] = [{}, {}];
  for (const [name, operand] of Object.entries(operands)) {
    if (name.includes('.')) (name.includes('running_') ? statistics : weights)[name] = upload(load(operand));
  }
  const { shape, read } = operands.image;
  const pixels = upload(channelsFirst({ shape: [1, ...shape], data: read() }));
  const forward = (parameters, x) => {
    const get = (name) => parameters[name];
    return retinaNet(
      {
        conv(input, { name, kernel, stride, bias }) {
          // The subnets use their filters on five levels: every use is another reference.
          const y = convolve(input, get(`${name}.weight`).ref, stride, (kernel - 1) / 2);
          return bias ? y.add(perChannel(get(`${name}.bias`).ref)) : y;
        },
        norm(input, name, _, withRelu) {
          const [scale, shift] = [get(`${name}.weight`).ref, get(`${name}.bias`).ref];
          const y = isTraining
            ? trainedNorm(input, scale, shift)
            : normalized(input, get(`${name}.running_mean`).ref, get(`${name}.running_var`).ref, scale, shift);
          return withRelu ? nn.relu(y) : y;
        },
        relu: nn.relu,
        add: (a, b) => a.add(b),
        maxPool: (input) => maxPool(input, false),
        upsample,
        perAnchor: (input, size) => np.transpose(input, [0, 2, 3, 1]).reshape([-1, size]),
        concat: (parts) => np.concatenate(parts),
        share: (input) => input.ref,
      },
      x,
    );
  };
  const disposing = (parameters, x) => {
    const outputs = forward(parameters, x);
    tree.dispose(parameters);
    return outputs;
  };
  return { forward: disposing, weights, statistics, pixels };
}

await serve({
  versions: { '@jax-js/jax': version },
  adapter,
  peakBytes,
  prepare: (task, operands) => operations[task.operation](task, operands),
});
