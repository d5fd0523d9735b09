// What jax-js does for the cases of single operations, in Node and in a page.
import { channelsFirst, channelsLast, filtersFirst, filtersLast } from './layout.ts';

// jax-js counts references: an operation consumes its arguments, and `x.ref` is another reference. Its convolutions expect
// images as NCHW and filters as OIHW.

/**
 * @param {any} jax the library, with its WebGPU device set
 */
export function jaxKernels(jax) {
  const { jit, lax, numpy: np, tree, vjp } = jax;

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
  };
  return { operations, load, upload, convolve, maxPool, upsample, perChannel, normalized, trainedNorm };
}
