import { AdamW, SGD } from '../nn/optim.ts';
import { cosine, linearWarmup, multiStepDecay, oneCycle, type Schedule } from '../nn/schedule.ts';
import type { Parameter } from '../nn/module.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';

/** How the learning rate runs over the steps: see `RecipeOptions.schedule`. */
export type ScheduleName = 'one-cycle' | 'cosine' | 'multi-step' | 'constant';

/** How weights are changed, but for the number of steps. */
export interface RecipeOptions {
  /**
   * `adamw` (default) learns at once at the default rate; `sgd` is torchvision's recipe, with momentum: often a little
   * better after long training, and it asks for a rate that suits the data.
   */
  readonly optimizer?: 'adamw' | 'sgd';
  /**
   * Peak of the learning rate. Default 5e-4 for AdamW. For SGD 2.5e-3: torchvision's 0.01 for 16 images, scaled to 4
   * (Goyal et al. 2017). For fine-tuning take a fifth; `findLearningRate` measures what suits model and data.
   */
  readonly learningRate?: number;
  /**
   * Factor on the learning rate of the backbone (ResNet); pyramid and heads have the whole rate. Default 1, which suits
   * weights from scratch. Take 0.1 for a pretrained backbone under fresh heads.
   */
  readonly backboneRate?: number;
  /** Share of the previous direction that SGD keeps. Default 0.9. */
  readonly momentum?: number;
  /** Decay of filters and matrices; biases and norms are left out, as is usual. Default 0.01 for AdamW, 1e-4 for SGD. */
  readonly weightDecay?: number;
  /**
   * `one-cycle` (default): up and down again along cosines (Smith and Topin 2018). `cosine`: linear warm-up, then half a
   * cosine down to 0 (Loshchilov and Hutter 2017). `multi-step`: linear warm-up, then a tenth at each of `milestones`,
   * as torchvision trains. `constant`: linear warm-up if there is one, then the same rate. Or a schedule of your own,
   * such as `stepDecay`.
   */
  readonly schedule?: ScheduleName | Schedule;
  /**
   * Steps in which the rate rises: below 1 a share of all steps, from 1 a whole number of them. Default 0.2 for
   * `one-cycle`, 0.05 for `cosine` and `multi-step`, 0 for `constant`.
   */
  readonly warmup?: number;
  /** Shares of the run at which `multi-step` divides the rate by ten. Default torchvision's epochs 16 and 22 of 26. */
  readonly milestones?: readonly number[];
}

/** Where warm-up starts, relative to the peak: torchvision's 1 / 1000. */
const WARMUP_START = 1e-3;
const defaults = {
  adamw: { learningRate: 5e-4, weightDecay: 0.01 },
  sgd: { learningRate: 2.5e-3, weightDecay: 1e-4 },
} as const;
const warmups = { 'one-cycle': 0.2, cosine: 0.05, 'multi-step': 0.05, constant: 0 } as const;

/**
 * The optimiser of a recipe. Its groups are the filters and then the biases and norms of pyramid and heads, and the same
 * of the backbone. Parameters that are frozen are left out.
 */
export function makeOptimizer(model: RetinaNet, options: RecipeOptions): AdamW | SGD {
  const { optimizer = 'adamw', backboneRate = 1, momentum = 0.9 } = options;
  checkChoice('optimizer', optimizer, Object.keys(defaults));
  const { learningRate: lr, weightDecay } = { ...defaults[optimizer], ...given(options) };
  checkRate('learningRate', lr);
  checkRate('backboneRate', backboneRate);
  checkRate('weightDecay', weightDecay);
  if (!(momentum >= 0 && momentum < 1))
    throw new RangeError(`trainer: momentum is ${momentum}, expected a number from 0 to below 1`);
  const backbone = new Set<Parameter>(model.backbone.body.parameters());
  const trained = model.parameters().filter(({ requiresGrad }) => requiresGrad);
  if (trained.length === 0) throw new RangeError('trainer: every parameter is frozen, so there is nothing to train');
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

/** The schedule of a recipe over a number of steps. */
export function makeSchedule(totalSteps: number, options: RecipeOptions): Schedule {
  const { schedule = 'one-cycle', milestones = [16 / 26, 22 / 26] } = options;
  if (typeof schedule === 'function') {
    if (options.warmup !== undefined)
      throw new TypeError('trainer: warmup is for named schedules; put it into your own (linearWarmup)');
    return schedule;
  }
  checkChoice('schedule', schedule, Object.keys(warmups));
  const { warmup = warmups[schedule] } = options;
  if (!(warmup >= 0 && (warmup < 1 || Number.isInteger(warmup)) && warmup <= totalSteps)) {
    throw new RangeError(
      `trainer: warmup is ${warmup}, expected a share of the steps below 1 or a whole number of steps up to all ${totalSteps}`,
    );
  }
  if (schedule === 'one-cycle') {
    return oneCycle({ steps: totalSteps, pctStart: warmup < 1 ? warmup : warmup / totalSteps });
  }
  const rising = warmup < 1 ? Math.round(warmup * totalSteps) : warmup;
  const rest = totalSteps - rising;
  const wrong = milestones.find((milestone) => !(milestone > 0 && milestone < 1));
  if (wrong !== undefined) {
    throw new RangeError(`trainer: milestones hold ${wrong}, expected shares of the run between 0 and 1`);
  }
  const after: Record<typeof schedule, () => Schedule> = {
    cosine: () => (rest === 0 ? () => 1 : cosine({ steps: rest })),
    'multi-step': () => multiStepDecay({ at: milestones.map((share) => Math.round(share * totalSteps) - rising) }),
    constant: () => () => 1,
  };
  const falling = after[schedule]();
  if (rising === 0) return falling;
  const rise = linearWarmup({ steps: rising, start: WARMUP_START });
  return (step) => (step < rising ? rise(step) : falling(step - rising));
}

/** The options that are there. */
function given(options: RecipeOptions): { learningRate?: number; weightDecay?: number } {
  const { learningRate, weightDecay } = options;
  return {
    ...(learningRate === undefined ? {} : { learningRate }),
    ...(weightDecay === undefined ? {} : { weightDecay }),
  };
}

function checkRate(name: string, value: number): void {
  if (!(value >= 0 && value < Infinity)) throw new RangeError(`trainer: ${name} is ${value}, expected a number from 0`);
}

function checkChoice(name: string, value: string, names: readonly string[]): void {
  if (!names.includes(value))
    throw new RangeError(`trainer: ${name} is "${value}", expected one of ${names.join(', ')}`);
}
