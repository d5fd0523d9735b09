import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cocoMetrics, type CocoMetrics } from '../../src/evaluation/coco.ts';
import type { EvaluatedImage } from '../../src/evaluation/match.ts';
import { detectionsOf, refuses, truthOf } from './support.ts';

/** See coco_oracle.py. */
interface Golden {
  readonly made: { readonly stats: readonly (keyof CocoMetrics)[] };
  readonly cases: readonly {
    readonly name: string;
    readonly classes: number;
    readonly images: readonly (readonly [truth: number[][], detections: number[][]])[];
    readonly stats: readonly (number | null)[];
    readonly byClass: readonly (number | null)[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL('../golden/coco.json', import.meta.url), 'utf8')) as Golden;

function boxesOf(rows: readonly number[][]): Float64Array {
  return Float64Array.from(rows.flatMap(([, x = NaN, y = NaN, w = NaN, h = NaN]) => [x, y, x + w, y + h]));
}

function imagesOf(images: Golden['cases'][number]['images']): EvaluatedImage[] {
  return images.map(([truth, found]) => ({
    truth: {
      boxes: boxesOf(truth),
      labels: Int32Array.from(truth, (row) => row[0]!),
      crowd: Uint8Array.from(truth, (row) => Number(row[6] === 1)),
      difficult: Uint8Array.from(truth, (row) => Number(row[6] === 2)),
      areas: Float64Array.from(truth, (row) => row[5] ?? row[3]! * row[4]!),
    },
    detections: {
      boxes: boxesOf(found),
      labels: Int32Array.from(found, (row) => row[0]!),
      scores: Float64Array.from(found, (row) => row[5]!),
    },
  }));
}

for (const { name, classes, images, stats, byClass } of golden.cases) {
  test(`equals the oracle to the last digit: ${name}`, () => {
    const names = Array.from({ length: classes }, (_, label) => `class ${label}`);
    const metrics = cocoMetrics(imagesOf(images), { classes: names });
    golden.made.stats.forEach((key, k) => assert.is(metrics[key], stats[k], key));
    metrics.perClass.forEach(({ ap, name: of }, label) => assert.is(ap, byClass[label], of));
  });
}

test('the cases make a difference', () => {
  const figures = new Set(golden.cases.flatMap(({ stats }) => stats));
  assert.ok(golden.cases.length > 60 && figures.size > 250, `${figures.size} distinct figures`);
});

test('average precision over IoU thresholds', () => {
  // One object found with an IoU of 0.72: right at 0.50, 0.55, 0.60, 0.65 and 0.70.
  const images = [{ truth: truthOf([[0, 0, 10, 100], 0]), detections: detectionsOf([[0, 0, 10, 72], 0, 0.5]) }];
  const { ap, ap50, ap75, perClass } = cocoMetrics(images, { classes: ['building'] });
  const close = (got: number | null, expected: number) => assert.ok(Math.abs(got! - expected) < 1e-15);
  close(ap, 0.5);
  close(ap50, 1);
  assert.is(ap75, 0);
  assert.equal(perClass, [{ name: 'building', ap, ap50, ap75 }]);
});

test('tells how many detections an image has beyond the hundred that count', () => {
  const many = Array.from({ length: 103 }, (_, i) => [[i, 0, i + 1, 1], 0, i / 200] as const);
  const images = [{ truth: truthOf([[0, 0, 1, 1], 0]), detections: detectionsOf(...many, [[0, 0, 1, 1], 1, 0.5]) }];
  const { leftOut, ap } = cocoMetrics(images, { classes: ['a', 'b'] });
  assert.equal([leftOut, ap], [3, 0], 'the detection that fits is the least sure of all');
});

test('labels that name no class are refused', () => {
  const image = { truth: truthOf(), detections: detectionsOf([[0, 0, 1, 1], -1, 0.5]) };
  refuses(
    () => cocoMetrics([image], { classes: ['a'] }),
    'cocoMetrics: label -1 in image 0, expected 0 to 0 (1 classes)',
  );
});

test.run();
