import type { HostTensor } from '../nn/module.ts';

/**
 * The filters of a first convolution for images of `channels` bands, made from those for red, green and blue, as timm's
 * `adapt_input_conv` makes them: the three filters are repeated over the bands; of one or two bands, each gets a part of their
 * sum. Each filter is divided by the number of bands that it is repeated for, instead of all by `channels / 3`, so that an
 * image with the same values in all bands has the response of a grey RGB image for any number of bands.
 *
 * @param filter [height, width, 3, out]
 * @returns [height, width, channels, out]
 */
export function inflateFilter({ shape, data }: HostTensor, channels: number): HostTensor {
  const [height = 0, width = 0, , filters = 0] = shape;
  const out = new Float32Array(height * width * channels * filters);
  const colourOf = (band: number): readonly number[] => (channels < 3 ? [0, 1, 2] : [band % 3]);
  const uses = [0, 1, 2].map((colour) => (channels < 3 ? channels : Math.ceil((channels - colour) / 3)));
  for (let place = 0; place < height * width; place++) {
    for (let band = 0; band < channels; band++) {
      const to = (place * channels + band) * filters;
      for (const colour of colourOf(band)) {
        const from = (place * 3 + colour) * filters;
        for (let k = 0; k < filters; k++) out[to + k] = out[to + k]! + data[from + k]! / uses[colour]!;
      }
    }
  }
  return { shape: [height, width, channels, filters], data: out };
}
