// A small network that is trained in the page.
import { manualSeed, RetinaNet, retinaNetSpec } from 'retinagrad';
import { evaluateDetections } from 'retinagrad/evaluation';
import { readLosses, Trainer } from 'retinagrad/train';
import { cornersAt, gallery, outline, scene } from '../detection/scene.ts';
import { makeTile, type Tile } from '../detection/tiles.ts';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { button, controls, note, plot, slider } from '../ui.ts';

const SIDE = 64;
const STEPS = 120;
/** Steps between two looks at what the network finds. */
const LOOK = 10;
/** Scores of a short training are low. */
const SHOWN = 0.3;

/** A training in progress, with what the figure shows of it. */
interface Run {
  readonly model: RetinaNet;
  readonly trainer: Trainer;
  readonly losses: { readonly classes: number; readonly boxes: number }[];
  found: Awaited<ReturnType<RetinaNet['detect']>>;
}

function newRun(learningRate: number, prior: number): Run {
  manualSeed(1);
  const model = new RetinaNet(
    1,
    retinaNetSpec('torchvision', {
      backbone: { depth: 18, width: 8, norm: 'batch' },
      pyramid: { channels: 16 },
      head: { channels: 16, convs: 1, prior },
      anchors: { sizes: [11, 31, 88, 249, 704].map((side) => [side, side * 1.41, side * 2]) },
      transform: { minSize: null },
    }),
  );
  const trainer = new Trainer(model, { totalSteps: STEPS, learningRate, averageDecay: 0.9 });
  return { model, trainer, losses: [], found: [] };
}

async function look(run: Run, tiles: readonly Tile[]): Promise<void> {
  run.found = await run.trainer.withAverage(() => run.model.detect(tiles.map(({ image }) => image)));
  run.model.train();
}

export const mount: Mount = async (stage) => {
  await device();
  const tiles = [0, 1, 3, 4, 6, 7, 8, 9].map((index) => makeTile(index, { size: SIDE }));
  const samples = tiles.map((tile, i) => ({ ...tile, id: `tile ${i}` }));
  const rate = slider('Peak learning rate', -3.5, -0.5, -2, 0.1, (value) => (10 ** value).toPrecision(2));
  const prior = slider('Prior π', -2, -0.301, -2, 0.1, (value) => (10 ** value).toPrecision(2));
  let run: Run | null = null;
  let isGoing = false;
  const stop = (): void => {
    isGoing = false;
    run?.trainer.dispose();
    run?.model.dispose();
    run = null;
  };
  const step = async (current: Run): Promise<void> => {
    const { steps } = current.trainer;
    const batch = [0, 1, 2, 3].map((i) => samples[(steps * 4 + i) % samples.length]!);
    const { classification, boxRegression } = await readLosses(current.trainer.step(batch));
    current.losses.push({ classes: classification, boxes: boxRegression });
    if (current.trainer.steps % LOOK === 0) await look(current, tiles);
  };
  const train = async (): Promise<void> => {
    while (isGoing && run !== null && run.trainer.steps < STEPS) {
      await step(run);
      ticker.onChange();
      // The page stays responsive between steps.
      await new Promise((resolve) => setTimeout(resolve));
    }
    isGoing = false;
  };
  const ticker = button('Train / pause', () => {
    isGoing = !isGoing;
    run ??= newRun(10 ** rate.value, 10 ** prior.value);
    if (isGoing) void train();
  });
  const restart = button('Start again', stop);
  await controls(stage, [rate, prior, ticker, restart], () => {
    const losses = run?.losses ?? [];
    const found = run?.found ?? [];
    const f1 =
      found.length === 0
        ? null
        : evaluateDetections(
            tiles.map((truth, i) => ({ truth, detections: found[i]! })),
            { classes: ['building'] },
          ).best;
    const scenes = tiles.map((tile, i) =>
      scene(
        'A training tile',
        tile,
        ...Array.from(tile.labels, (_, k) => outline(cornersAt(tile.boxes, k), 'missed')),
        ...Array.from(found[i]?.scores ?? []).flatMap((score, k) =>
          score < SHOWN ? [] : [outline(cornersAt(found[i]!.boxes, k), 'found')],
        ),
      ),
    );
    const points = (part: 'classes' | 'boxes'): [number, number][] => losses.map((loss, i) => [i + 1, loss[part]]);
    return [
      gallery(...scenes),
      note(
        losses.length === 0
          ? 'Eight tiles; dashed boxes are the buildings. Press Train.'
          : `Step ${losses.length} of ${STEPS}. Dashed: buildings; green: found with a score of at least ${SHOWN}.${
              f1 === null
                ? ''
                : ` F1 on these training tiles ${f1.f1!.toFixed(2)}, at score ${f1.threshold.toFixed(2)}.`
            }`,
      ),
      ...(losses.length < 2
        ? []
        : [
            plot(
              [
                { name: 'classification', points: points('classes') },
                { name: 'boxes', points: points('boxes') },
              ],
              { x: 'step', y: 'loss', rangeX: [0, STEPS] },
            ),
          ]),
    ];
  });
};
