// The convolutions of RetinaNet with a ResNet backbone, from the tables of both papers.

/** A convolution with a square filter. */
export interface ConvShape {
  /** [N, H, W, C] */
  readonly x: readonly [number, number, number, number];
  /** [R, S, C, K] */
  readonly w: readonly [number, number, number, number];
  readonly stride: number;
  readonly padding: number;
}

/** `3x3 s2 128->128 @56x56`. */
export function convName({ x, w, stride }: ConvShape): string {
  return `${w[0]}x${w[1]}${stride === 1 ? '' : ` s${stride}`} ${w[2]}->${w[3]} @${x[1]}x${x[2]}`;
}

/**
 * Every distinct convolution of RetinaNet on one image of this size, with the number of channels of torchvision, and how often
 * it is computed.
 */
export function retinaNetConvs(
  depth: 18 | 50,
  [height, width]: readonly [number, number],
): (ConvShape & { readonly count: number })[] {
  const found = new Map<string, ConvShape & { readonly count: number }>();
  type Size = readonly [number, number];
  const conv = ([h, w]: Size, from: number, to: number, kernel: number, stride = 1): Size => {
    const shape: ConvShape = {
      x: [1, h, w, from],
      w: [kernel, kernel, from, to],
      stride,
      padding: (kernel - 1) / 2,
    };
    const name = convName(shape);
    found.set(name, { ...shape, count: (found.get(name)?.count ?? 0) + 1 });
    return [Math.ceil(h / stride), Math.ceil(w / stride)];
  };
  const isBottleneck = depth === 50;
  let size = conv([height, width], 3, 64, 7, 2);
  size = [Math.ceil(size[0] / 2), Math.ceil(size[1] / 2)]; // Max pool.
  let channels = 64;
  const features: [Size, number][] = [];
  const blocks = isBottleneck ? [3, 4, 6, 3] : [2, 2, 2, 2];
  blocks.forEach((count, stage) => {
    const inner = 64 * 2 ** stage;
    const outer = isBottleneck ? inner * 4 : inner;
    for (let block = 0; block < count; block++) {
      const stride = block === 0 && stage > 0 ? 2 : 1;
      if (stride !== 1 || channels !== outer) conv(size, channels, outer, 1, stride);
      if (isBottleneck) {
        conv(size, channels, inner, 1);
        size = conv(size, inner, inner, 3, stride);
        conv(size, inner, outer, 1);
      } else {
        size = conv(size, channels, inner, 3, stride);
        conv(size, inner, inner, 3);
      }
      channels = outer;
    }
    if (stage > 0) features.push([size, channels]);
  });
  for (const [at, from] of features) {
    conv(at, from, 256, 1);
    conv(at, 256, 256, 3);
  }
  const p6 = conv(size, channels, 256, 3, 2);
  const p7 = conv(p6, 256, 256, 3, 2);
  for (const at of [...features.map(([size]) => size), p6, p7]) {
    for (let i = 0; i < 8; i++) conv(at, 256, 256, 3); // Four of each subnet.
    conv(at, 256, 9 * 2, 3);
    conv(at, 256, 9 * 4, 3);
  }
  return [...found.values()];
}
