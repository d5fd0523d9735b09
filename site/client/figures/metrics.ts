// The detector of the site on tiles that it has not seen: what counts as found at which thresholds.
import { evaluateDetections, matchDetections } from 'retinagrad/evaluation';
import { buildings } from '../detection/buildings.ts';
import { cornersAt, gallery, outline, scene } from '../detection/scene.ts';
import { makeTile } from '../detection/tiles.ts';
import type { Mount } from '../figure.ts';
import { controls, plot, row, slider, table } from '../ui.ts';

const text = (value: number | null): string => (value === null ? 'not defined' : value.toFixed(3));

export const mount: Mount = async (stage) => {
  const detector = await buildings();
  const { classes } = detector;
  const tiles = [0, 1, 3, 4, 6, 7].map((index) => makeTile(index));
  const found = await detector.model.detect(tiles.map(({ image }) => image));
  const images = tiles.map((tile, i) => ({ truth: tile, detections: found[i]! }));
  const least = slider('Score at least', 0.05, 0.95, 0.5, 0.01, (value) => value.toFixed(2));
  const limit = slider('IoU of a match at least', 0.1, 0.95, 0.5, 0.05, (value) => value.toFixed(2));
  await controls(stage, [least, limit], () => {
    const { curve, best, meanAveragePrecision } = evaluateDetections(images, { classes, iouThreshold: limit.value });
    const now = curve.atThreshold(least.value);
    const scenes = images.map(({ truth, detections }) => {
      const shown = [...detections.scores.keys()].filter((i) => detections.scores[i]! >= least.value);
      const kept = {
        boxes: Float32Array.from(shown.flatMap((i) => cornersAt(detections.boxes, i))),
        labels: Int32Array.from(shown, (i) => detections.labels[i]!),
        scores: Float32Array.from(shown, (i) => detections.scores[i]!),
      };
      const { truthOf, detectionOf } = matchDetections(kept, truth, { iouThreshold: limit.value });
      return scene(
        `Tile with ${kept.scores.length} detections`,
        truth,
        ...Array.from(detectionOf).flatMap((detection, i) =>
          detection < 0 ? [outline(cornersAt(truth.boxes, i), 'missed')] : [],
        ),
        ...Array.from(truthOf, (object, i) => outline(cornersAt(kept.boxes, i), object < 0 ? 'wrong' : 'found')),
      );
    });
    const points = Array.from({ length: curve.length }, (_, k) => curve.at(k));
    const place = ({ recall, precision }: (typeof points)[number]): [number, number] => [recall ?? 0, precision ?? 0];
    return [
      gallery(...scenes),
      row(
        table(
          ['TP', 'FP', 'FN', 'precision', 'recall', 'F1'],
          [
            [
              ...[now.truePositives, now.falsePositives, now.falseNegatives].map(String),
              text(now.precision),
              text(now.recall),
              text(now.f1),
            ],
          ],
        ),
        table(['best F1', 'at score', 'AP'], [[text(best.f1), best.threshold.toFixed(2), text(meanAveragePrecision)]]),
      ),
      plot(
        [
          { name: 'precision and recall of all thresholds', points: points.map(place) },
          { name: 'the one chosen', points: [place(now)], dots: true },
        ],
        { x: 'recall', y: 'precision', rangeX: [0, 1], rangeY: [0, 1] },
      ),
    ];
  });
};
