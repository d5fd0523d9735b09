import { createRequire } from 'node:module';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { findLavapipe, findSwiftShader, loadLibrary, useDriver } from '../../src/node/drivers.ts';
import { detections } from './detections.ts';
import { channelsFirst, channelsLast, filtersFirst } from './layout.ts';
import { OnnxGraph } from './onnx.ts';
import { retinaNet } from './retinanet.ts';
import { serve, Unsupported } from './worker.mjs';

// Runs on the CPU, or with the argument `webgpu` on the package's own Dawn, which finds drivers by itself. Images are
// NCHW, filters OIHW. Operands and results are on the host: with WebGPU a run includes copying them.

const provider = process.argv[2];
if (provider === 'webgpu') chooseDriver(process.env.PEERS_ADAPTER);

function chooseDriver(name) {
  if (name === 'lavapipe') {
    const manifest = findLavapipe();
    if (manifest !== null) useDriver(manifest);
  } else if (name === 'swiftshader') {
    const found = findSwiftShader();
    if ('problem' in found) throw new Error(found.problem);
    if (loadLibrary('libvulkan.so.1') !== null) loadLibrary(found.loader);
    useDriver(found.manifest);
  }
}

const load = ({ shape, read }) => ({ shape, data: read() });
const tensorOf = ({ shape, data }) => new Tensor('float32', data, shape);

/** A case that runs a graph with the inputs given by name. */
async function session(graph, inputs, turnBack) {
  // Threads that spin while they wait slow each other down.
  const extra = { session: { intra_op: { allow_spinning: '0' } } };
  const running = await InferenceSession.create(graph.encode(), {
    executionProviders: [provider],
    logSeverityLevel: 3,
    extra,
  });
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, tensorOf(value)]));
  const once = async () => {
    const results = await running.run(feeds);
    return running.outputNames.map((name) => ({ shape: results[name].dims, data: results[name].data }));
  };
  return {
    run: once,
    finish: () => undefined, // A run waits for its results.
    results: async () => (await once()).map((value) => turnBack(value).data),
    release: () => void running.release(),
  };
}

const spatial = (kernel, stride) => {
  const padding = (kernel - 1) / 2;
  return { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [padding, padding, padding, padding] };
};
const POOL = spatial(3, 2);

function upsample(graph, x) {
  const scales = graph.constant([4], Float32Array.of(1, 1, 2, 2));
  const attributes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  return graph.op('Resize', [x, '', scales], attributes);
}

/** A graph of one operator on an image. */
function imageCase({ x }, factor, build) {
  const value = channelsFirst(load(x));
  const graph = new OnnxGraph();
  const y = build(graph, graph.input('x', value.shape));
  const [n, c, h, w] = value.shape;
  graph.output(y, [n, c, h * factor, w * factor]);
  return session(graph, { x: value }, channelsLast);
}

const noTraining = () => {
  throw new Unsupported('no training, no gradients');
};

const operations = {
  matmul(_, { a, b }) {
    const graph = new OnnxGraph();
    graph.output(graph.op('MatMul', [graph.input('a', a.shape), graph.input('b', b.shape)]), a.shape);
    return session(graph, { a: load(a), b: load(b) }, (y) => y);
  },
  conv({ conv: { kind, stride, w: filterShape } }, { x, w, dy }) {
    if (kind !== 'forward') return noTraining();
    const [value, filter] = [channelsFirst(load(x)), filtersFirst(load(w))];
    const graph = new OnnxGraph();
    const inputs = [graph.input('x', value.shape), graph.constant(filter.shape, filter.data)];
    const y = graph.op('Conv', inputs, spatial(filterShape[0], stride));
    const [n, h, width, c] = dy.shape;
    graph.output(y, [n, c, h, width]);
    return session(graph, { x: value }, channelsLast);
  },
  batchNorm: noTraining,
  maxPool: (_, operands) => imageCase(operands, 0.5, (graph, x) => graph.op('MaxPool', [x], POOL)),
  upsample: (_, operands) => imageCase(operands, 2, upsample),
  trainStep: noTraining,
  async detect(_, operands) {
    const { shape, read } = operands.image;
    const image = channelsFirst({ shape: [1, ...shape], data: read() });
    const graph = new OnnxGraph();
    const constant = (name) => graph.constant(operands[name].shape, operands[name].read());
    // The filters of the subnets are used on five levels, under one name each.
    const constants = new Map();
    const get = (name) => {
      if (!constants.has(name)) constants.set(name, constant(name));
      return constants.get(name);
    };
    const outputs = retinaNet(
      {
        conv: (x, { name, kernel, stride, bias }) =>
          graph.op('Conv', [x, get(`${name}.weight`), ...(bias ? [get(`${name}.bias`)] : [])], spatial(kernel, stride)),
        norm(x, name, _, withRelu) {
          const parts = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => get(`${name}.${part}`));
          const y = graph.op('BatchNormalization', [x, ...parts]);
          return withRelu ? graph.op('Relu', [y]) : y;
        },
        relu: (x) => graph.op('Relu', [x]),
        add: (x, y) => graph.op('Add', [x, y]),
        maxPool: (x) => graph.op('MaxPool', [x], POOL),
        upsample: (x) => upsample(graph, x),
        perAnchor(x, size) {
          const last = graph.op('Transpose', [x], { perm: [0, 2, 3, 1] });
          return graph.op('Reshape', [last, graph.constant([2], [-1, size])]);
        },
        concat: (parts) => graph.op('Concat', parts, { axis: 0 }),
        share: (x) => x,
      },
      graph.input('image', image.shape),
    );
    const anchors = operands.labels.shape[0];
    outputs.forEach((output, i) => graph.output(output, [anchors, [2, 4][i]]));
    const network = await session(graph, { image }, (value) => value);
    const run = async () => {
      const [logits, deltas] = await network.run();
      detections(logits.data, deltas.data);
    };
    return { ...network, run };
  },
};

const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json');
await serve({
  versions: { 'onnxruntime-node': version },
  adapter: null,
  usesMainThread: provider === 'cpu',
  prepare: (task, operands) => operations[task.operation](task, operands),
});
