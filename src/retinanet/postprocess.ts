import { checkInteger } from '../common/check.ts';
import { NotFiniteError } from '../common/errors.ts';
import { boxIouFloat32, suppress } from '../imagery/boxes.ts';
import type { Detections } from '../imagery/types.ts';
import type { Size } from './anchors.ts';
import { decodeBox } from './box-coder.ts';
import type { BoxCoderSpec, PostprocessSpec } from './spec.ts';

// From scores and offsets for every anchor to a short list of boxes. It runs on the host: the number of candidates depends
// on the values, and after thresholding it is small.

export type { Detections } from '../imagery/types.ts';

/** A box before duplicates are removed. */
export interface Candidate {
  readonly box: readonly [number, number, number, number];
  readonly score: number;
  readonly label: number;
}

/** Outputs of the network for one image. */
export interface RawOutput {
  /** [A, classes] */
  readonly logits: Float32Array;
  /** [A, 4] */
  readonly deltas: Float32Array;
  /** [A, 4] */
  readonly anchors: Float32Array;
  readonly classes: number;
  /** Number of anchors of each level, in order. */
  readonly levels: readonly number[];
  /** Size of the image in the batch, without padding. */
  readonly size: Size;
}

/** The same with another maximum of detections. With a larger one, each level has ten candidates for each detection. */
export function withMaximum(spec: PostprocessSpec, maxDetections = spec.maxDetections): PostprocessSpec {
  checkInteger('detect', 'maxDetections', maxDetections, { min: 1 });
  const topK = maxDetections > spec.maxDetections ? Math.max(spec.topK, 10 * maxDetections) : spec.topK;
  return { ...spec, maxDetections, topK };
}

/**
 * Thresholds scores, decodes boxes and removes duplicates (Focal Loss paper, section 4, "Inference").
 *
 * @example
 * const raw = {
 *   logits: Float32Array.of(3, 2.5, -4),
 *   deltas: new Float32Array(12),
 *   anchors: Float32Array.of(0, 0, 10, 10, 1, 0, 11, 10, 20, 20, 30, 30),
 *   classes: 1,
 *   levels: [3],
 *   size: [32, 32],
 * };
 * const { boxes, scores } = postprocess(raw, presets.torchvision.postprocess, presets.torchvision.boxCoder);
 * console.log([...boxes], scores[0].toFixed(2)); // [0, 0, 10, 10] 0.95
 */
export function postprocess(raw: RawOutput, spec: PostprocessSpec, coder: BoxCoderSpec): Detections {
  return withoutDuplicates(candidates(raw, spec, coder), raw.size, spec);
}

/** The first half of `postprocess`: boxes of anchors with a high score, up to `topK` of each level. */
export function candidates(raw: RawOutput, spec: PostprocessSpec, coder: BoxCoderSpec): Candidate[] {
  let first = 0;
  return raw.levels.flatMap((count) => {
    first += count;
    return levelCandidates(raw, first - count, count, spec, coder);
  });
}

/** The second half: non-maximum suppression, up to `maxDetections`; the scores of the others are in `omitted`. */
export function withoutDuplicates(candidates: readonly Candidate[], size: Size, spec: PostprocessSpec): Detections {
  const distinct = suppress(candidates, spec.nmsThreshold, boxIouFloat32);
  const omitted = distinct.slice(spec.maxDetections);
  let kept = distinct.slice(0, spec.maxDetections);
  if (spec.clip === 'after-nms') {
    kept = kept
      .map((candidate) => ({ ...candidate, box: clip(candidate.box, size) }))
      .filter(({ box: [x1, y1, x2, y2] }) => x2 > x1 && y2 > y1);
  }
  return {
    boxes: Float32Array.from(kept.flatMap(({ box }) => [...box])),
    scores: Float32Array.from(kept, ({ score }) => score),
    labels: Int32Array.from(kept, ({ label }) => label),
    ...(omitted.length === 0 ? {} : { omitted: Float32Array.from(omitted, ({ score }) => score) }),
  };
}

/** The best candidates of one level: pairs of an anchor and a class with a score above the threshold. */
function levelCandidates(
  { logits, deltas, anchors, classes, size }: RawOutput,
  first: number,
  count: number,
  { scoreThreshold, topK, clip: when }: PostprocessSpec,
  coder: BoxCoderSpec,
): Candidate[] {
  const above: { readonly at: number; readonly score: number }[] = [];
  for (let at = first * classes; at < (first + count) * classes; at++) {
    const score = Math.fround(1 / (1 + Math.exp(-logits[at]!)));
    if (Number.isNaN(score)) {
      throw new NotFiniteError('detect: the network gave NaN: its weights are damaged, or the image contains NaN');
    }
    if (score > scoreThreshold) above.push({ at, score });
  }
  above.sort((a, b) => b.score - a.score || a.at - b.at);
  return above.slice(0, topK).map(({ at, score }) => {
    const anchor = Math.floor(at / classes);
    const box = decodeBox(deltas, anchor, anchors, anchor, coder);
    return { box: when === 'before-nms' ? clip(box, size) : box, score, label: at % classes };
  });
}

function clip([x1, y1, x2, y2]: Candidate['box'], [height, width]: Size): Candidate['box'] {
  const limit = (value: number, max: number): number => Math.min(Math.max(value, 0), max);
  return [limit(x1, width), limit(y1, height), limit(x2, width), limit(y2, height)];
}
