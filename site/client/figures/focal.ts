// The focal loss and its gradient over the probability of the right class, and what the background of a tile makes of it.
import { grad, sigmoidFocalLoss, sum, tensor, tidy } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { controls, plot, row, slider, table } from '../ui.ts';

const POINTS = 81;
/** The example of chapter 12: two objects, two classes, without ignored anchors. */
const FOREGROUND = 41;
const BACKGROUND = 2 * (3069 - 79) - FOREGROUND;

const logit = (p: number): number => Math.log(p / (1 - p));

/** Loss and gradient with respect to the logit, of objects whose right class has the probabilities `ps`. */
async function focal(
  ps: readonly number[],
  alpha: number,
  gamma: number,
): Promise<{ loss: Float32Array; slope: Float32Array }> {
  const [loss, slope] = await Promise.all(
    tidy(() => {
      const x = tensor(ps.map(logit), { shape: [ps.length, 1] });
      x.requiresGrad = true;
      const y = sigmoidFocalLoss(x, tensor(new Int32Array(ps.length), { dtype: 'int32' }), { alpha, gamma });
      return [y.data(), grad(sum(y), [x])[0]!.data()];
    }),
  );
  return { loss: Float32Array.from(loss!), slope: Float32Array.from(slope!) };
}

export const mount: Mount = async (stage) => {
  await device();
  const gamma = slider('γ', 0, 5, 2, 0.25, (value) => value.toFixed(2));
  const alpha = slider('α of objects', 0.05, 0.95, 0.25, 0.05, (value) => value.toFixed(2));
  const prior = slider('Prior π of an untrained network', -3, -0.301, -2, 0.01, (value) =>
    (10 ** value).toPrecision(2),
  );
  const ps = Array.from({ length: POINTS }, (_, i) => 0.01 + (0.98 * i) / (POINTS - 1));
  await controls(stage, [gamma, alpha, prior], async () => {
    const pi = 10 ** prior.value;
    const [curve, cross, one, nothing] = await Promise.all([
      focal(ps, alpha.value, gamma.value),
      focal(ps, alpha.value, 0),
      focal([pi], alpha.value, gamma.value),
      // A background element whose right answer has the probability 1 - π; its weight is 1 - α.
      focal([1 - pi], 1 - alpha.value, gamma.value),
    ]);
    const objects = FOREGROUND * one.loss[0]!;
    const background = BACKGROUND * nothing.loss[0]!;
    const points = (values: ArrayLike<number>): [number, number][] => ps.map((p, i) => [p, values[i]!]);
    return [
      row(
        plot(
          [
            { name: `γ = ${gamma.value}`, points: points(curve.loss) },
            { name: 'cross entropy, γ = 0', points: points(cross.loss) },
          ],
          { x: 'probability of the right class', y: 'loss of an object', rangeX: [0, 1], rangeY: [0, 2] },
        ),
        plot(
          [
            { name: `γ = ${gamma.value}`, points: points(curve.slope.map(Math.abs)) },
            { name: 'cross entropy, γ = 0', points: points(cross.slope.map(Math.abs)) },
          ],
          { x: 'probability of the right class', y: '|gradient| by logit', rangeX: [0, 1] },
        ),
      ),
      table(
        ['untrained network', 'one element', 'all', 'of the loss'],
        [
          [
            '41 foreground',
            one.loss[0]!.toPrecision(3),
            objects.toPrecision(4),
            percent(objects / (objects + background)),
          ],
          [
            '5,939 background',
            nothing.loss[0]!.toPrecision(3),
            background.toPrecision(4),
            percent(background / (objects + background)),
          ],
          ['together, divided by 41', '', ((objects + background) / FOREGROUND).toPrecision(4), '100 %'],
        ],
      ),
    ];
  });
};

const percent = (fraction: number): string => `${(100 * fraction).toPrecision(3)} %`;
