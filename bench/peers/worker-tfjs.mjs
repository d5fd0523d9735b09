import { browserLike } from './dawn.mjs';
import { detections } from './detections.ts';
import { lossWeights, PROBED, retinaNet } from './retinanet.ts';
import { tfjsKernels } from './tfjs-kernels.mjs';
import { serve } from './worker.mjs';

const { adapter, peakBytes } = await browserLike();
// The library looks for a GPU while it loads.
const { default: tf } = await import('@tensorflow/tfjs');
await import('@tensorflow/tfjs-backend-webgpu');
if (!(await tf.setBackend('webgpu'))) throw new Error('the WebGPU backend did not start');
tf.enableProdMode();
const { operations: kernels, finish, upload, readAll, trainedNorm } = tfjsKernels(tf);

const operations = {
  ...kernels,
  trainStep(_, operands) {
    const { forward, get, variables, release } = network(operands, true);
    const weights = lossWeights(operands.labels.read());
    const [targets, focal] = [weights.targets, weights.focal].map((values) =>
      tf.tensor(values, [values.length / 2, 2]),
    );
    const boxes = tf.tensor(weights.boxes, [weights.boxes.length, 1]);
    const wanted = upload(operands.deltas);
    const lossOf = () => {
      const [logits, deltas] = forward();
      const entropy = tf.add(
        tf.sub(tf.relu(logits), tf.mul(logits, targets)),
        tf.log1p(tf.exp(tf.neg(tf.abs(logits)))),
      );
      const missed = tf.abs(tf.sub(targets, tf.sigmoid(logits))); // 1 - p of the target.
      const scores = tf.sum(tf.mul(focal, tf.mul(tf.square(missed), entropy)));
      return tf.add(scores, tf.sum(tf.mul(boxes, tf.abs(tf.sub(deltas, wanted)))));
    };
    const optimizer = tf.train.momentum(1e-4, 0.9);
    let probes = null;
    return {
      async run() {
        const loss = optimizer.minimize(lossOf, true, variables);
        const value = await loss.data();
        loss.dispose();
        probes ??= [value, ...(await readAll(PROBED.map(get)))];
      },
      finish,
      results: () => Promise.resolve(probes),
      release,
    };
  },
  detect(_, operands) {
    const { forward, release } = network(operands, false);
    const run = async () => {
      const outputs = tf.tidy(forward);
      const values = await readAll(outputs);
      tf.dispose(outputs);
      return values;
    };
    return { run: async () => void detections(...(await run())), finish, results: run, release };
  },
};

/** The network with the weights given. Running statistics are used but not updated. */
function network(operands, isTraining) {
  const image = tf.tensor(operands.image.read(), [1, ...operands.image.shape]);
  const variables = new Map();
  for (const [name, operand] of Object.entries(operands)) {
    if (!name.includes('.')) continue;
    const value = upload(operand);
    variables.set(name, tf.variable(operand.shape.length === 4 ? tf.transpose(value, [2, 3, 1, 0]) : value));
  }
  const get = (name) => variables.get(name);
  const ops = {
    conv(x, { name, kernel, stride, bias }) {
      const y = tf.conv2d(x, get(`${name}.weight`), stride, (kernel - 1) / 2);
      return bias ? tf.add(y, get(`${name}.bias`)) : y;
    },
    norm(x, name, _, withRelu) {
      const [scale, shift] = [get(`${name}.weight`), get(`${name}.bias`)];
      const y = isTraining
        ? trainedNorm(x, scale, shift)
        : tf.batchNorm(x, get(`${name}.running_mean`), get(`${name}.running_var`), shift, scale, 1e-5);
      return withRelu ? tf.relu(y) : y;
    },
    relu: tf.relu,
    add: tf.add,
    maxPool: (x) => tf.maxPool(x, 3, 2, 1),
    upsample: (x) => tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]),
    perAnchor: (x, size) => tf.reshape(x, [-1, size]),
    concat: (parts) => tf.concat(parts),
    share: (x) => x,
  };
  return {
    forward: () => retinaNet(ops, image),
    get,
    variables: [...variables].filter(([name]) => !name.includes('running_')).map(([, variable]) => variable),
    release: () => tf.dispose([image, ...variables.values()]),
  };
}

await serve({
  versions: { '@tensorflow/tfjs-backend-webgpu': tf.version['tfjs-core'] },
  adapter,
  peakBytes,
  prepare: (task, operands) => operations[task.operation](task, operands),
});
