import { maxPool2d as reference, pool2d, type PoolOptions } from '../../src/measure/reference/pool2d.ts';
import { evaluate, type Ref } from './array.ts';

export type { PoolOptions };

export interface AvgPoolOptions extends Omit<PoolOptions, 'dilation'> {
  readonly countIncludePad?: boolean;
}

/** Largest element of each window; padding never wins. */
export const maxPool2d = (x: Ref, options: PoolOptions): Ref => evaluate(reference(x, options));

/** Mean of each window; padding counts as zeros unless `countIncludePad` is false. */
export const avgPool2d = (x: Ref, options: AvgPoolOptions): Ref =>
  evaluate(
    pool2d(x, options, (values, area) => {
      const total = values.reduce((a, b) => a + b, 0);
      return total / (options.countIncludePad === false ? values.length : area);
    }),
  );
