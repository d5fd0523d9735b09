import { binaryCases } from './binary.ts';
import { conv2dCases } from './conv2d.ts';
import { lossCases } from './losses.ts';
import { matmulCases } from './matmul.ts';
import { normalizationCases } from './normalization.ts';
import type { OpCase } from './op-case.ts';
import { pool2dCases } from './pool2d.ts';
import { reduceCases } from './reduce.ts';
import { shapeCases } from './shape.ts';
import { unaryCases } from './unary.ts';
import { upsampleCases } from './upsample.ts';

/** Every case of every operation. */
export const allCases: readonly OpCase[] = [
  ...unaryCases,
  ...binaryCases,
  ...reduceCases,
  ...shapeCases,
  ...matmulCases,
  ...conv2dCases,
  ...pool2dCases,
  ...normalizationCases,
  ...upsampleCases,
  ...lossCases,
];
