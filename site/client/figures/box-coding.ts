// The four offsets from an anchor to a box that the reader moves, and a prediction that learns them.
import {
  assignTargets,
  decodeBoxes,
  giouLoss,
  grad,
  l1Loss,
  mul,
  retinaNetSpec,
  sub,
  sum,
  tensor,
  tidy,
  type Tensor,
} from 'retinagrad';
import { boxIou } from 'retinagrad/evaluation';
import { boxEditor, cornersAt, outline, type Corners } from '../detection/scene.ts';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { button, choice, controls, row, slider, table } from '../ui.ts';

const spec = retinaNetSpec('torchvision');
/** Whatever the overlap, the anchor is made responsible for the box. */
const always = { high: 0, low: 0, lowQuality: 'none', zeroOverlapGuard: true } as const;

/** Offsets of the box, and the box decoded from them again. */
async function coded(
  anchor: readonly number[],
  box: readonly number[],
): Promise<readonly [ArrayLike<number>, ArrayLike<number>]> {
  const [deltas, back] = await Promise.all(
    tidy(() => {
      const anchors = tensor([...anchor], { shape: [1, 4] });
      const target = { boxes: Float32Array.from(box), labels: Int32Array.of(0) };
      const { deltas: offsets } = assignTargets(anchors, [target], 1, always, spec.boxCoder);
      return [offsets.data(), decodeBoxes(offsets, anchors, spec.boxCoder).data()];
    }),
  );
  return [deltas!, back!];
}

/** Steps of gradient descent on the offsets of a prediction. Returns the offsets, the decoded box and the loss after them. */
async function descend({
  anchor,
  box,
  start,
  loss,
  rate,
  steps,
}: {
  readonly anchor: readonly number[];
  readonly box: readonly number[];
  readonly start: readonly number[];
  readonly loss: 'l1' | 'giou';
  readonly rate: number;
  readonly steps: number;
}): Promise<{ readonly deltas: number[]; readonly box: Float32Array; readonly loss: number }> {
  const [deltas, decoded, value] = await Promise.all(
    tidy(() => {
      const anchors = tensor([...anchor], { shape: [1, 4] });
      const target = tensor([...box], { shape: [1, 1, 4] });
      const wanted = assignTargets(
        anchors,
        [{ boxes: Float32Array.from(box), labels: Int32Array.of(0) }],
        1,
        always,
        spec.boxCoder,
      ).deltas;
      const lossOf = (offsets: Tensor): Tensor =>
        loss === 'l1'
          ? sum(l1Loss(offsets, wanted, { reduction: 'none' }))
          : sum(giouLoss(decodeBoxes(offsets, anchors, spec.boxCoder), target));
      let offsets: Tensor = tensor([...start], { shape: [1, 1, 4] });
      for (let step = 0; step < steps; step++) {
        offsets.requiresGrad = true;
        const [slope] = grad(lossOf(offsets), [offsets]);
        offsets.requiresGrad = false;
        offsets = sub(offsets, mul(slope!, rate));
      }
      return [offsets.data(), decodeBoxes(offsets, anchors, spec.boxCoder).data(), lossOf(offsets).data()];
    }),
  );
  return { deltas: Array.from(deltas!), box: Float32Array.from(decoded!), loss: value![0]! };
}

export const mount: Mount = async (stage) => {
  await device();
  const editor = boxEditor('An anchor and a box on 128 × 128 pixels', { width: 128, height: 128 }, [
    { name: 'Anchor', kind: 'anchor', box: [20, 40, 66, 72] },
    { name: 'Box', kind: 'first', box: [58, 56, 112, 100] },
  ]);
  const loss = choice<'l1' | 'giou'>('Loss of the prediction', [
    ['L1 of the offsets', 'l1'],
    ['GIoU of the boxes', 'giou'],
  ]);
  const rate = slider('Step size', 0.01, 0.3, 0.05, 0.01, (value) => value.toFixed(2));
  let prediction = [0, 0, 0, 0];
  let steps = 0;
  const learn = button('10 steps', () => (steps = 10));
  const reset = button('Back to the anchor', () => (prediction = [0, 0, 0, 0]));
  await controls(stage, [loss, rate, learn, reset, editor], async () => {
    const [anchor, box] = editor.value as readonly [Corners, Corners];
    const [offsets, back] = await coded(anchor, box);
    const learned = await descend({ anchor, box, start: prediction, loss: loss.value, rate: rate.value, steps });
    steps = 0;
    prediction = learned.deltas;
    editor.layer.replaceChildren(outline(cornersAt(learned.box, 0), 'predicted'));
    const texts = (values: ArrayLike<number>, digits: number): string[] =>
      Array.from(values, (value) => value.toFixed(digits));
    return [
      row(
        table(
          ['', 'dx', 'dy', 'dw', 'dh'],
          [
            ['wanted', ...texts(offsets, 3)],
            ['predicted', ...texts(prediction, 3)],
          ],
        ),
        table(
          ['', 'x1', 'y1', 'x2', 'y2'],
          [
            ['decoded again', ...texts(back, 1)],
            ['prediction', ...texts(learned.box, 1)],
          ],
        ),
      ),
      table(
        ['loss', 'IoU of prediction and box'],
        [[learned.loss.toFixed(4), boxIou(learned.box, 0, Float32Array.from(box), 0).toFixed(3)]],
      ),
    ];
  });
};
