// Six boxes with scores: which of them the kernel keeps.
import { nonMaxSuppression, tensor, tidy } from 'retinagrad';
import { boxIou } from 'retinagrad/evaluation';
import { boxEditor, cornersAt, outline } from '../detection/scene.ts';
import { makeTile } from '../detection/tiles.ts';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { controls, slider, table } from '../ui.ts';

const STARTS = [
  { score: 0.95, box: [10, 10, 50, 50] },
  { score: 0.88, box: [14, 10, 54, 50] },
  { score: 0.81, box: [60, 60, 100, 120] },
  { score: 0.7, box: [30, 10, 70, 50] },
  { score: 0.62, box: [66, 64, 108, 116] },
  { score: 0.4, box: [52, 54, 90, 100] },
] as const;

export const mount: Mount = async (stage) => {
  await device();
  const picture = makeTile(4);
  const editor = boxEditor(
    'Six boxes on a tile',
    picture,
    STARTS.map(({ score, box }) => ({ name: `Box with score ${score}`, kind: 'candidate', box })),
  );
  const limit = slider('Limit of the IoU', 0, 1, 0.5, 0.01, (value) => value.toFixed(2));
  const least = slider('Minimum score', 0, 1, 0.05, 0.01, (value) => value.toFixed(2));
  await controls(stage, [limit, least, editor], async () => {
    const boxes = Float32Array.from(editor.value.flat());
    const scores = STARTS.map(({ score }) => score);
    const picks = await tidy(
      () =>
        nonMaxSuppression(tensor(boxes, { shape: [scores.length, 4] }), tensor(scores), {
          iouThreshold: limit.value,
          scoreThreshold: least.value,
          maxOutputs: scores.length,
        }).indices,
    ).data();
    const kept = Array.from(picks).filter((i) => i >= 0);
    const kindOf = (i: number): string => (kept.includes(i) ? 'kept' : 'removed');
    editor.layer.replaceChildren(...scores.map((_, i) => outline(cornersAt(boxes, i), kindOf(i))));
    const reason = (i: number): string => {
      if (kept.includes(i)) return 'kept';
      if (scores[i]! <= least.value) return 'score too low';
      const by = kept.find((other) => scores[other]! > scores[i]! && boxIou(boxes, other, boxes, i) > limit.value)!;
      return `removed by ${scores[by]!.toFixed(2)}: IoU ${boxIou(boxes, by, boxes, i).toFixed(3)}`;
    };
    return [
      table(
        ['score', 'box', 'result'],
        scores.map((score, i) => [score.toFixed(2), `[${cornersAt(boxes, i).join(', ')}]`, reason(i)]),
      ),
    ];
  });
};
