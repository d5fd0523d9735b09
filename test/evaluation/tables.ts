import type { LabelledImage, LabelledObject, LabelTable } from '../../src/labels/types.ts';
import { Random } from '../../src/common/random.ts';
import type { Box } from '../../src/imagery/geometry.ts';

export type Extra = Omit<LabelledObject, 'label' | 'box'>;

/** An object from its label, its box and what else is known. */
export function object(label: number, box: Box, extra: Extra = {}): LabelledObject {
  return { label, box, ...extra };
}

/** A table from its classes and the objects of each file. */
export function tableOf(classes: readonly string[], files: Record<string, readonly LabelledObject[]>): LabelTable {
  const images = Object.entries(files).map(([file, objects]): LabelledImage => ({
    file,
    width: 100,
    height: 100,
    objects,
  }));
  return { classes, images };
}

/**
 * A truth and predictions for it: boxes that have moved a little or much, some left out, some of another class, some where
 * nothing is. `levels` distinct scores; `Infinity` for scores that are all different.
 */
export function randomTables(seed: number, options: { images: number; classes: number; levels: number }) {
  const random = new Random('tables', seed);
  const classes = Array.from({ length: options.classes }, (_, label) => `class ${label}`);
  const score = () => {
    const value = random.uniform();
    return options.levels === Infinity ? value : Math.floor(value * options.levels) / options.levels;
  };
  const box = (): Box => {
    const [x, y] = [random.uniform(0, 80), random.uniform(0, 80)];
    return [x, y, x + random.uniform(4, 20), y + random.uniform(4, 20)];
  };
  const truth: Record<string, LabelledObject[]> = {};
  const found: Record<string, LabelledObject[]> = {};
  for (let i = 0; i < options.images; i++) {
    const file = `tiles/${i}.png`;
    const objects = Array.from({ length: random.int(8) }, () => {
      const kind = random.int(12);
      return object(
        random.int(options.classes),
        box(),
        kind === 0 ? { crowd: true } : kind === 1 ? { difficult: true } : {},
      );
    });
    truth[file] = objects;
    const right = objects
      .filter(() => random.uniform() < 0.8)
      .map(({ label, box: [x1, y1, x2, y2] }) => {
        const move = random.uniform(0, 5);
        const of = random.uniform() < 0.85 ? label : random.int(options.classes);
        return object(of, [x1 + move, y1, x2 + move, y2], { score: score() });
      });
    const wrong = Array.from({ length: random.int(4) }, () =>
      object(random.int(options.classes), box(), { score: score() }),
    );
    found[file] = random.shuffle([...right, ...wrong]);
  }
  return { truth: tableOf(classes, truth), predictions: tableOf(classes, found) };
}

/** The truth as predictions that are sure of everything but crowds and difficult objects, which they do not mention. */
export function perfect(truth: LabelTable): LabelTable {
  return {
    classes: truth.classes,
    images: truth.images.map((image) => ({
      ...image,
      objects: image.objects
        .filter(({ crowd, difficult }) => !crowd && !difficult)
        .map((one, k) => ({ ...one, score: 1 - k / 100 })),
    })),
  };
}
