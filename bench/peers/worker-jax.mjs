import { createRequire } from 'node:module';
import { browserLike } from './dawn.mjs';
import { detections } from './detections.ts';
import { jaxKernels } from './jax-kernels.mjs';
import { channelsFirst } from './layout.ts';
import { lossWeights, PROBED, retinaNet } from './retinanet.ts';
import { serve } from './worker.mjs';

const { adapter, peakBytes } = await browserLike();
// The library inspects the browser while it loads.
const jax = await import('@jax-js/jax');
const { jit, nn, numpy: np, tree, valueAndGrad } = jax;
await jax.init('webgpu');
jax.defaultDevice('webgpu');
const { version } = createRequire(import.meta.url)('./node_modules/@jax-js/jax/package.json');
const {
  operations: kernels,
  load,
  upload,
  convolve,
  maxPool,
  upsample,
  perChannel,
  normalized,
  trainedNorm,
} = jaxKernels(jax);

const operations = {
  ...kernels,
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
