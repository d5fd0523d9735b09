import type { LabelledObject } from '../labels/types.ts';
import type { SpaceNetMetrics, SpaceNetScore } from './judgement.ts';
import type { EvaluatedRun } from './evaluated-run.ts';
import type { EvaluatedImage } from './match.ts';
import type { Outline, PolygonGeometry } from './polygon-iou.ts';
import { matchPool, poolCurves, poolImages, type Pool } from './pool.ts';

/** Minimum IoU for SpaceNet to count a building as found. */
const IOU = 0.5;

function scoreOf(pool: Pool, scoreThreshold: number): SpaceNetScore {
  const { all } = poolCurves(pool, matchPool(pool, IOU));
  return { all: all.total(), chosen: all.atThreshold(scoreThreshold), best: all.best() };
}

/** Bounds of outlines, which may reach beyond the image where boxes end at its edge. */
function boundsOf(outlines: readonly Outline[]): Float64Array {
  return Float64Array.from(outlines.flatMap(({ bounds }) => bounds));
}

function polygonScore(run: EvaluatedRun, geometry: PolygonGeometry): SpaceNetScore {
  const outlineOf = ({ polygons = [], box }: LabelledObject) =>
    polygons.length === 0 ? geometry.boxOutline(box) : geometry.outline(polygons);
  const outlines = run.images.map(({ truthObjects, foundObjects }) => ({
    truth: truthObjects.map(outlineOf),
    found: foundObjects.map(outlineOf),
  }));
  const images = run.images.map(({ truth, detections }, i): EvaluatedImage => {
    const { truth: there, found } = outlines[i]!;
    return {
      truth: { ...truth, boxes: boundsOf(there) },
      detections: { ...detections, boxes: boundsOf(found) },
    };
  });
  const pool = poolImages(images, run.classes.length, IOU, (i) => {
    const { truth, found } = outlines[i]!;
    return { iouOf: (k, j) => geometry.iou(found[k]!, truth[j]!, IOU) };
  });
  return scoreOf(pool, run.scoreThreshold);
}

/**
 * SpaceNet's building metric as its utilities compute it (`evalTools.score`): in every image, proposals are processed by
 * descending confidence; each is matched with the free building with the highest IoU if that is at least 0.5; counts are
 * summed over all images before precision, recall and F1 are computed. This is `matchDetections`, with boxes in the box
 * form and with outlines in the polygon form. For crowds the bounds of the outline are used.
 */
export function spaceNetMetrics(run: EvaluatedRun, geometry: PolygonGeometry | undefined): SpaceNetMetrics {
  const outlined = run.images.some(({ truthObjects }) => truthObjects.some(({ polygons = [] }) => polygons.length > 0));
  return {
    box: scoreOf(
      run.iouThreshold === IOU ? run.pool : poolImages(run.images, run.classes.length, IOU),
      run.scoreThreshold,
    ),
    polygon: outlined && geometry !== undefined ? polygonScore(run, geometry) : null,
  };
}
