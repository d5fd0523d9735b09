import { checkNumber } from '../common/check.ts';
import { checkGroup, withDefaults } from '../common/settings.ts';
import { AdamW, SGD } from '../nn/optim.ts';
import { cosine, linearWarmup, multiStepDecay, oneCycle, type Schedule } from '../nn/schedule.ts';
import type { Parameter } from '../nn/module.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import { trainSettings, type FittedSettings, type TrainSettings } from './settings.ts';
import { startingRate } from './starting-rate.ts';

/** How weights are updated: the settings of a run, and options that are not settings. */
export interface RecipeOptions extends Partial<Omit<TrainSettings, 'schedule'>> {
  /** A named schedule, or a custom one that includes its warm-up (`linearWarmup`), for example `stepDecay`. */
  readonly schedule?: TrainSettings['schedule'] | Schedule;
  /** Momentum of SGD. Default 0.9. */
  readonly momentum?: number;
  /** Fractions of the run at which `multi-step` divides the rate by ten. Default 16/26 and 22/26, as in torchvision. */
  readonly milestones?: readonly number[];
}

/** Initial learning rate of the warm-up relative to the peak, as in torchvision. */
const WARMUP_START = 1e-3;
const weightDecays = { adamw: 0.01, sgd: 1e-4 } as const;
const warmups = { 'one-cycle': 0.2, cosine: 0.05, 'multi-step': 0.05, constant: 0 } as const;

/** Fills in the defaults. Throws a RangeError that starts with `op` for a value that is not legal, as `auto` is for `batchSize`. */
export function resolveTrainSettings(op: string, options: RecipeOptions): FittedSettings {
  const { schedule, ...others } = options;
  const settings = withDefaults(trainSettings, typeof schedule === 'function' ? others : options);
  checkGroup(op, trainSettings, settings);
  const { batchSize } = settings;
  if (batchSize === 'auto')
    throw new RangeError(`${op}: batchSize is auto, expected an integer >= 1: findBatchSize finds it`);
  return { ...settings, batchSize };
}

/**
 * The optimizer of a recipe. Its parameter groups are the filters of pyramid and heads, their biases and norms, the
 * filters of the backbone, and its biases and norms. Frozen parameters are left out.
 */
export function makeOptimizer(model: RetinaNet, options: RecipeOptions): AdamW | SGD {
  const { optimizer, backboneRate, batchSize, accumulate, ...settings } = resolveTrainSettings('trainer', options);
  const { momentum = 0.9 } = options;
  checkNumber('trainer', 'momentum', momentum, { min: 0, below: 1 });
  const { width } = model.spec.backbone;
  const lr =
    settings.learningRate === 'auto'
      ? startingRate({ optimizer, width, images: batchSize * accumulate, isPretrained: false })
      : settings.learningRate;
  const weightDecay = settings.weightDecay === 'auto' ? weightDecays[optimizer] : settings.weightDecay;
  const backbone = new Set<Parameter>(model.backbone.body.parameters());
  const trained = model.parameters().filter(({ requiresGrad }) => requiresGrad);
  if (trained.length === 0) throw new RangeError('trainer: every parameter is frozen; there is nothing to train');
  const groups = [false, true].flatMap((isBackbone) => {
    const part = trained.filter((parameter) => backbone.has(parameter) === isBackbone);
    const rate = lr * (isBackbone ? backboneRate : 1);
    return [
      { parameters: part.filter(({ shape }) => shape.length > 1), lr: rate },
      { parameters: part.filter(({ shape }) => shape.length <= 1), lr: rate, weightDecay: 0 },
    ];
  });
  return optimizer === 'sgd' ? new SGD(groups, { lr, momentum, weightDecay }) : new AdamW(groups, { lr, weightDecay });
}

/** The learning-rate schedule of a recipe for a run of `totalSteps` steps. */
export function makeSchedule(totalSteps: number, options: RecipeOptions): Schedule {
  const settings = resolveTrainSettings('trainer', options);
  if (typeof options.schedule === 'function') {
    if (settings.warmup !== 'auto')
      throw new TypeError('trainer: warmup is for named schedules; include it in a custom schedule (linearWarmup)');
    return options.schedule;
  }
  const { schedule } = settings;
  const { milestones = [16 / 26, 22 / 26] } = options;
  const warmup = settings.warmup === 'auto' ? warmups[schedule] : settings.warmup;
  if (!((warmup < 1 || Number.isInteger(warmup)) && warmup <= totalSteps)) {
    throw new RangeError(
      `trainer: warmup is ${warmup}, expected a fraction of the steps < 1 or an integer <= ${totalSteps}, the number of steps`,
    );
  }
  if (schedule === 'one-cycle') {
    return oneCycle({ steps: totalSteps, pctStart: warmup < 1 ? warmup : warmup / totalSteps });
  }
  const rising = warmup < 1 ? Math.round(warmup * totalSteps) : warmup;
  const rest = totalSteps - rising;
  milestones.forEach((milestone, i) => checkNumber('trainer', `milestones[${i}]`, milestone, { above: 0, below: 1 }));
  const after: Record<typeof schedule, () => Schedule> = {
    cosine: () => (rest === 0 ? () => 1 : cosine({ steps: rest })),
    'multi-step': () =>
      multiStepDecay({ at: milestones.map((fraction) => Math.round(fraction * totalSteps) - rising) }),
    constant: () => () => 1,
  };
  const falling = after[schedule]();
  if (rising === 0) return falling;
  const rise = linearWarmup({ steps: rising, start: WARMUP_START });
  return (step) => (step < rising ? rise(step) : falling(step - rising));
}
