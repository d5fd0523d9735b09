import { exceptions } from './exceptions.ts';
import type { Row } from './program.ts';
import { axes } from './rows/axes.ts';
import { elementwise } from './rows/elementwise.ts';
import { images } from './rows/images.ts';
import { layers } from './rows/layers.ts';
import { losses, norms } from './rows/losses.ts';
import { reductions } from './rows/reduce.ts';
import { selections } from './rows/select.ts';
import { creation, shapes } from './rows/shape.ts';
import { statistics } from './rows/statistics.ts';

/** Every operation that programs are made of, by its public name. */
export const table: ReadonlyMap<string, Row> = new Map(
  Object.entries({
    ...elementwise,
    ...reductions,
    ...statistics,
    ...shapes,
    ...axes,
    ...selections,
    ...creation,
    ...images,
    ...layers,
    ...norms,
    ...losses,
  }).filter(([name]) => exceptions[name] === undefined),
);
