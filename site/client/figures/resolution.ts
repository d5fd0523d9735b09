// The same places at another ground resolution, with and without resampling to that of training.
import { evaluateDetections } from 'retinagrad/evaluation';
import { buildings } from '../detection/buildings.ts';
import { cornersAt, gallery, outline, scene } from '../detection/scene.ts';
import { makeTile } from '../detection/tiles.ts';
import type { Mount } from '../figure.ts';
import { controls, note, plot, slider, toggle } from '../ui.ts';

/** Side of a tile on the ground, in metres. */
const GROUND = 64;
const PLACES = [0, 1, 3, 4];

export const mount: Mount = async (stage) => {
  const detector = await buildings();
  const resolution = slider('Ground resolution', 0.25, 1.5, 1, 0.05, (value) => `${value.toFixed(2)} m`);
  const isResampled = toggle('Resample to the resolution of training');
  const tried = { asIs: new Map<number, number>(), resampled: new Map<number, number>() };
  await controls(stage, [resolution, isResampled], async () => {
    const metresPerPixel = resolution.value;
    const tiles = PLACES.map((index) => makeTile(index, { size: Math.round(GROUND / metresPerPixel), metresPerPixel }));
    const images = [];
    for (const truth of tiles) {
      const groundResolution = isResampled.value ? metresPerPixel : null;
      images.push({ truth, detections: await detector.detect(truth.image, { groundResolution }) });
    }
    const { total } = evaluateDetections(images, { classes: detector.classes });
    tried[isResampled.value ? 'resampled' : 'asIs'].set(metresPerPixel, total.f1 ?? 0);
    const points = (values: ReadonlyMap<number, number>): [number, number][] => [...values].sort(([a], [b]) => a - b);
    return [
      gallery(
        ...images.map(({ truth, detections }) =>
          scene(
            `${truth.width} × ${truth.width} pixels`,
            truth,
            ...Array.from(truth.labels, (_, i) => outline(cornersAt(truth.boxes, i), 'missed')),
            ...Array.from(detections.scores, (_, i) => outline(cornersAt(detections.boxes, i), 'found')),
          ),
        ),
      ),
      note(
        `${tiles[0]!.width} × ${tiles[0]!.width} pixels for 64 × 64 metres: F1 ${(total.f1 ?? 0).toFixed(3)}, ` +
          `${total.truePositives} right, ${total.falsePositives} wrong, ${total.falseNegatives} missed. Dashed: buildings; green: detections.`,
      ),
      plot(
        [
          { name: 'as it is', points: points(tried.asIs), dots: true },
          { name: 'resampled', points: points(tried.resampled), dots: true },
        ],
        { x: 'ground resolution tried, metres', y: 'F1', rangeX: [0.2, 1.6], rangeY: [0, 1] },
      ),
    ];
  });
};
