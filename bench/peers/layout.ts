// Conversion of operands for libraries that expect images as NCHW and filters as OIHW, and of their results. It is not
// timed.

type Four = readonly [number, number, number, number];

/** Moves axes: axis `i` of the result is axis `order[i]` of the values. */
function permuted(values: Float32Array, shape: readonly number[], order: Four): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const [a, b, c, d] = order.map((axis) => shape[axis]!) as unknown as Four;
  const [sa, sb, sc, sd] = order.map((axis) => strides[axis]!) as unknown as Four;
  const result = new Float32Array(values.length);
  let at = 0;
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) {
        for (let l = 0; l < d; l++) result[at++] = values[i * sa + j * sb + k * sc + l * sd]!;
      }
    }
  }
  return result;
}

/** Values with their shape. */
export interface Shaped {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const moved = ({ shape, data }: Shaped, order: Four): Shaped => ({
  shape: order.map((axis) => shape[axis]!),
  data: permuted(data, shape, order),
});

/** NHWC to NCHW. */
export const channelsFirst = (image: Shaped): Shaped => moved(image, [0, 3, 1, 2]);
/** NCHW to NHWC. */
export const channelsLast = (image: Shaped): Shaped => moved(image, [0, 2, 3, 1]);
/** HWIO to OIHW. */
export const filtersFirst = (filter: Shaped): Shaped => moved(filter, [3, 2, 0, 1]);
/** OIHW to HWIO. */
export const filtersLast = (filter: Shaped): Shaped => moved(filter, [2, 3, 1, 0]);
