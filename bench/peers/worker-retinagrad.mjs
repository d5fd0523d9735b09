import { readFileSync } from 'node:fs';
import {
  batchNorm,
  grad,
  init,
  loadTorchvisionStateDict,
  matmul,
  maxPool2d,
  noGrad,
  Parameter,
  tensor,
  tidy,
  upsampleNearest,
} from '../../src/node.ts';
import { conv2dForward, conv2dGradInput, conv2dGradWeight } from '../../src/kernels/convolution/conv2d.ts';
import { Workload } from '../../src/measure/workload.ts';
import { PROBED } from './retinanet.ts';
import { serve } from './worker.mjs';

const device = await init({ adapter: process.env.PEERS_ADAPTER || undefined });
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** @param {import('./worker.mjs').Operand} operand */
const upload = ({ shape, read }) => tensor(read(), { shape });
const readAll = (tensors) => Promise.all(tensors.map((t) => t.data()));

/** A case that runs `op` on tensors. */
function kernel(inputs, op) {
  return {
    run: () => tidy(() => void op(...inputs)),
    finish: () => device.idle(),
    async results() {
      const tensors = tidy(() => op(...inputs));
      const values = await readAll(tensors);
      for (const t of tensors) t.dispose();
      return values;
    },
    release: () => inputs.forEach((t) => t.dispose()),
  };
}

const operations = {
  matmul: (_, { a, b }) => kernel([upload(a), upload(b)], (x, y) => [matmul(x, y)]),
  conv({ conv: { kind, stride, padding } }, { x, w, dy }) {
    const options = { stride, padding };
    const ops = {
      forward: (image, filter) => [conv2dForward(image, filter, null, options)],
      dx: (_, filter, gradient) => [conv2dGradInput(gradient, filter, x.shape, options)],
      dw: (image, _, gradient) => [conv2dGradWeight(gradient, image, w.shape, options)],
    };
    return kernel([upload(x), upload(w), upload(dy)], ops[kind]);
  },
  batchNorm(_, { x, gamma, beta, dy }) {
    const leaves = [x, gamma, beta].map((operand) => new Parameter(upload(operand)));
    return kernel([...leaves, upload(dy)], (image, scale, shift, gradient) => {
      const { y } = batchNorm(image, scale, shift);
      return [y, ...grad(y, [image, scale, shift], { gradient })];
    });
  },
  maxPool: (_, { x }) => kernel([upload(x)], (image) => [maxPool2d(image, { kernel: 3, stride: 2, padding: 1 })]),
  upsample: (_, { x }) => kernel([upload(x)], (image) => [upsampleNearest(image, [2 * x.shape[1], 2 * x.shape[2]])]),
  trainStep(_, operands) {
    const workload = network(operands);
    let probes = null;
    return {
      async run() {
        const loss = await workload.trainStep();
        if (probes !== null) return;
        const state = workload.model.stateDict();
        const camelCase = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
        probes = [Float32Array.of(loss), ...(await readAll(PROBED.map((name) => state.get(camelCase(name)))))];
      },
      finish: () => device.idle(),
      results: () => Promise.resolve(probes),
      release: () => workload.dispose(),
    };
  },
  detect(_, operands) {
    const workload = network(operands);
    const image = tensor(operands.image.read(), { shape: [1, ...operands.image.shape] });
    return {
      run: () => workload.detect(),
      finish: () => device.idle(),
      async results() {
        const { logits, deltas } = noGrad(() => tidy(() => workload.model.forward(image)));
        return readAll([logits, deltas]);
      },
      release: () => workload.dispose(),
    };
  },
};

/** The workload of the library's own benchmarks, with the weights given. */
function network(operands) {
  const workload = new Workload(device, { depth: 50, size: operands.image.shape[0], batch: 1 });
  const weights = Object.entries(operands).filter(([name]) => name.includes('.'));
  const state = weights.map(([name, { shape, read }]) => [name, { shape, data: read() }]);
  loadTorchvisionStateDict(workload.model, new Map(state));
  return workload;
}

await serve({
  versions: { retinagrad: version },
  adapter: device.adapter,
  peakBytes: () => device.memory().peakBytes,
  prepare: (task, operands) => operations[task.operation](task, operands),
});
