// What TensorFlow.js does for the cases of single operations, in Node and in a page.

/**
 * @param {any} tf the library, with its WebGPU backend set
 */
export function tfjsKernels(tf) {
  /** TensorFlow.js holds back up to 15 dispatches. */
  async function finish() {
    const backend = tf.backend();
    if (backend.commandEncoder !== null) {
      backend.endComputePassEncoder();
      backend.submitQueue();
    }
    await backend.device.queue.onSubmittedWorkDone();
  }

  const upload = ({ shape, read }) => tf.tensor(read(), shape);
  const readAll = (tensors) => Promise.all(tensors.map((t) => t.data()));

  /** A case that runs `op` on tensors. */
  function kernel(inputs, op) {
    return {
      run: () => tf.dispose(tf.tidy(() => op(...inputs))),
      finish,
      async results() {
        const tensors = tf.tidy(() => op(...inputs));
        const values = await readAll(tensors);
        tf.dispose(tensors);
        return values;
      },
      release: () => tf.dispose(inputs),
    };
  }

  function trainedNorm(x, scale, shift) {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    return tf.batchNorm(x, mean, variance, shift, scale, 1e-5);
  }

  const operations = {
    matmul: (_, { a, b }) => kernel([upload(a), upload(b)], (x, y) => [tf.matMul(x, y)]),
    conv({ conv: { kind, stride, padding } }, { x, w, dy }) {
      const attributes = { strides: [stride, stride], pad: padding, dataFormat: 'NHWC', dimRoundingMode: null };
      const gradient = (name, inputs, more) => [tf.engine().runKernel(name, inputs, { ...attributes, ...more })];
      const ops = {
        forward: (image, filter) => [tf.conv2d(image, filter, stride, padding)],
        dx: (_, filter, grad) => gradient('Conv2DBackpropInput', { dy: grad, filter }, { inputShape: x.shape }),
        dw: (image, _, grad) => gradient('Conv2DBackpropFilter', { x: image, dy: grad }, { filterShape: w.shape }),
      };
      return kernel([upload(x), upload(w), upload(dy)], ops[kind]);
    },
    batchNorm: (_, { x, gamma, beta, dy }) =>
      kernel([x, gamma, beta, dy].map(upload), (image, scale, shift, grad) => {
        let y;
        const forward = (...inputs) => (y = tf.keep(trainedNorm(...inputs)));
        const grads = tf.grads(forward)([image, scale, shift], grad);
        return [y, ...grads];
      }),
    maxPool: (_, { x }) => kernel([upload(x)], (image) => [tf.maxPool(image, 3, 2, 1)]),
    upsample: (_, { x }) =>
      kernel([upload(x)], (image) => [tf.image.resizeNearestNeighbor(image, [2 * x.shape[1], 2 * x.shape[2]])]),
  };
  return { operations, finish, upload, readAll, trainedNorm };
}
