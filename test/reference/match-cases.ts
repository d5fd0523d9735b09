import type { MatcherSpec } from '../../src/retinanet/spec.ts';

/** A case of anchor matching: boxes of one image against anchors, both as lists of x1, y1, x2, y2. */
export interface MatchCase {
  readonly name: string;
  readonly boxes: readonly (readonly [number, number, number, number])[];
  readonly anchors: readonly (readonly [number, number, number, number])[];
  readonly rule: Partial<MatcherSpec>;
  /** Box index, -1 for background or -2 for ignored, of each anchor: by hand. */
  readonly expected: readonly number[];
}

// Against [0, 0, 10, 10] the anchors overlap by 1, 0.5, 0.45, 0.4, 0.2 and 0.
const boxes = [[0, 0, 10, 10]] as const;
const anchors = [
  [0, 0, 10, 10],
  [0, 0, 10, 5],
  [0, 0, 10, 4.5],
  [0, 0, 10, 4],
  [0, 0, 10, 2],
  [20, 20, 30, 30],
] as const;
const weak = anchors.slice(4);

export const matchCases: readonly MatchCase[] = [
  { name: 'thresholds', boxes, anchors, rule: {}, expected: [0, 0, -2, -2, -1, -1] },
  {
    name: 'thresholds, no low quality',
    boxes,
    anchors,
    rule: { lowQuality: 'none' },
    expected: [0, 0, -2, -2, -1, -1],
  },
  { name: 'other thresholds', boxes, anchors, rule: { high: 0.7, low: 0.3 }, expected: [0, -2, -2, -2, -1, -1] },
  { name: 'no box', boxes: [], anchors, rule: {}, expected: [-1, -1, -1, -1, -1, -1] },
  { name: 'low quality', boxes, anchors: weak, rule: {}, expected: [0, -1] },
  { name: 'low quality off', boxes, anchors: weak, rule: { lowQuality: 'none' }, expected: [-1, -1] },
  {
    name: 'low quality, two tie',
    boxes,
    anchors: [
      [0, 0, 10, 2],
      [0, 8, 10, 10],
      [0, 0, 10, 1],
    ],
    rule: {},
    expected: [0, 0, -1],
  },
  {
    // The second anchor is the best of box 1 but overlaps box 0 more.
    name: 'own box',
    boxes: [
      [0, 0, 10, 10],
      [0, 8, 10, 18],
    ],
    anchors: [
      [0, 0, 10, 10],
      [0, 1, 10, 11],
    ],
    rule: {},
    expected: [0, 0],
  },
  {
    name: 'reassigned',
    boxes: [
      [0, 0, 10, 10],
      [0, 8, 10, 18],
    ],
    anchors: [
      [0, 0, 10, 10],
      [0, 1, 10, 11],
    ],
    rule: { lowQuality: 'reassign' },
    expected: [0, 1],
  },
  {
    name: 'equal boxes: the first',
    boxes: [
      [0, 0, 10, 10],
      [0, 0, 10, 10],
    ],
    anchors: [[0, 0, 10, 10]],
    rule: {},
    expected: [0],
  },
  {
    name: 'equal boxes, reassigned: the last',
    boxes: [
      [0, 0, 10, 10],
      [0, 0, 10, 10],
    ],
    anchors: [[0, 0, 10, 10]],
    rule: { lowQuality: 'reassign' },
    expected: [1],
  },
  { name: 'box outside, guarded', boxes: [[90, 90, 99, 99]], anchors, rule: {}, expected: [-1, -1, -1, -1, -1, -1] },
  {
    name: 'box outside, as torchvision',
    boxes: [[90, 90, 99, 99]],
    anchors,
    rule: { zeroOverlapGuard: false },
    expected: [0, 0, 0, 0, 0, 0],
  },
];
