// A scene that is larger than what the detector was trained on, in overlapping tiles.
import { evaluateDetections, matchDetections } from 'retinagrad/evaluation';
import { buildings } from '../detection/buildings.ts';
import { cornersAt, outline, scene } from '../detection/scene.ts';
import { makeTile } from '../detection/tiles.ts';
import type { Mount } from '../figure.ts';
import { controls, note, slider } from '../ui.ts';

const SIDE = 384;
const TILE = 128;

/** Where tiles begin, spread evenly, as `Detector.detect` places them. */
function starts(overlap: number): number[] {
  const count = Math.ceil((SIDE - overlap) / (TILE - overlap));
  return Array.from({ length: count }, (_, i) => Math.round((i * (SIDE - TILE)) / (count - 1)));
}

export const mount: Mount = async (stage) => {
  const detector = await buildings();
  const place = slider('Scene', 0, 9, 4);
  const overlap = slider('Overlap', 0, 64, 26, 1, (value) => `${value} px`);
  await controls(stage, [place, overlap], async () => {
    const truth = makeTile(place.value, { size: SIDE });
    const detections = await detector.detect(truth.image, { tile: TILE, overlap: overlap.value });
    const { total } = evaluateDetections([{ truth, detections }], { classes: detector.classes });
    const { truthOf, detectionOf } = matchDetections(detections, truth);
    const at = starts(overlap.value);
    return [
      scene(
        'A scene with its tiles and detections',
        truth,
        ...at.flatMap((y) => at.map((x) => outline([x, y, x + TILE, y + TILE], 'tile'))),
        ...Array.from(detectionOf).flatMap((found, i) =>
          found < 0 ? [outline(cornersAt(truth.boxes, i), 'missed')] : [],
        ),
        ...Array.from(truthOf, (object, i) => outline(cornersAt(detections.boxes, i), object < 0 ? 'wrong' : 'found')),
      ),
      note(
        `${at.length ** 2} tiles: ${total.truePositives} found, ${total.falsePositives} wrong, ${total.falseNegatives} missed, F1 ${(total.f1 ?? 0).toFixed(3)}.`,
      ),
    ];
  });
};
