/** Optimisers on one parameter, with PyTorch's rules and defaults. Each is a function that applies the next gradient in place. */
export type Step = (gradient: ArrayLike<number>) => void;

export interface SgdOptions {
  readonly learningRate: number;
  readonly momentum?: number;
  readonly dampening?: number;
  readonly nesterov?: boolean;
  readonly weightDecay?: number;
}

/** Stochastic gradient descent; weight decay is added to the gradient. The first gradient fills the momentum buffer. */
export function sgd(parameter: Float64Array, options: SgdOptions): Step {
  const { learningRate, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options;
  const buffer = new Float64Array(parameter.length);
  let steps = 0;
  return (gradient) => {
    steps++;
    for (let i = 0; i < parameter.length; i++) {
      const g = gradient[i]! + weightDecay * parameter[i]!;
      buffer[i] = steps === 1 ? g : momentum * buffer[i]! + (1 - dampening) * g;
      const step = momentum === 0 ? g : nesterov ? g + momentum * buffer[i]! : buffer[i]!;
      parameter[i]! -= learningRate * step;
    }
  };
}

export interface AdamOptions {
  readonly learningRate?: number;
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  readonly weightDecay?: number;
}

/** Adam (Kingma and Ba, 2014); weight decay is added to the gradient. */
export const adam = (parameter: Float64Array, options: AdamOptions = {}): Step =>
  adamSteps(parameter, { weightDecay: 0, ...options }, false);

/** AdamW (Loshchilov and Hutter, 2017): weight decay, default 0.01, shrinks the parameter before the step. */
export const adamW = (parameter: Float64Array, options: AdamOptions = {}): Step =>
  adamSteps(parameter, { weightDecay: 0.01, ...options }, true);

function adamSteps(
  parameter: Float64Array,
  { learningRate = 1e-3, betas: [b1, b2] = [0.9, 0.999], eps = 1e-8, weightDecay = 0 }: AdamOptions,
  decoupled: boolean,
): Step {
  const first = new Float64Array(parameter.length);
  const second = new Float64Array(parameter.length);
  let steps = 0;
  return (gradient) => {
    steps++;
    for (let i = 0; i < parameter.length; i++) {
      if (decoupled) parameter[i]! *= 1 - learningRate * weightDecay;
      const g = gradient[i]! + (decoupled ? 0 : weightDecay * parameter[i]!);
      first[i] = b1 * first[i]! + (1 - b1) * g;
      second[i] = b2 * second[i]! + (1 - b2) * g * g;
      const mean = first[i]! / (1 - b1 ** steps);
      const power = second[i]! / (1 - b2 ** steps);
      parameter[i]! -= (learningRate * mean) / (Math.sqrt(power) + eps);
    }
  };
}

export interface RmspropOptions {
  readonly learningRate: number;
  readonly alpha: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly momentum: number;
}

/** RMSprop (Tieleman and Hinton, 2012) with momentum of the updates; weight decay is added to the gradient. */
export function rmsprop(parameter: Float64Array, options: RmspropOptions): Step {
  const { learningRate, alpha, eps, weightDecay, momentum } = options;
  const squares = new Float64Array(parameter.length);
  const moving = new Float64Array(parameter.length);
  return (gradient) => {
    for (let i = 0; i < parameter.length; i++) {
      const g = gradient[i]! + weightDecay * parameter[i]!;
      squares[i] = alpha * squares[i]! + (1 - alpha) * g * g;
      moving[i] = momentum * moving[i]! + g / (Math.sqrt(squares[i]!) + eps);
      parameter[i]! -= learningRate * moving[i]!;
    }
  };
}

/** Lion (Chen et al., 2023), algorithm 2. */
export function lion(
  parameter: Float64Array,
  { learningRate, betas: [b1, b2], weightDecay }: Omit<Required<AdamOptions>, 'eps'>,
): Step {
  const momentum = new Float64Array(parameter.length);
  return (gradient) => {
    for (let i = 0; i < parameter.length; i++) {
      const g = gradient[i]!;
      const direction = Math.sign(b1 * momentum[i]! + (1 - b1) * g);
      parameter[i]! -= learningRate * (direction + weightDecay * parameter[i]!);
      momentum[i] = b2 * momentum[i]! + (1 - b2) * g;
    }
  };
}
