import { at, build, ref, type Ref } from './array.ts';
import { unary, zip } from './elementwise.ts';
import { logSoftmax } from './softmax.ts';

/** Binary cross entropy of one logit: -t log(p) - (1 - t) log(1 - p) with p = sigmoid(x), without overflow. */
const bceOfLogit = (x: number, t: number): number => Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x)));

/** Binary cross entropy of each logit against its target from 0 to 1; `positive` weighs the first term. */
export const bceWithLogits = (logits: Ref, targets: Ref, positive = 1): Ref =>
  zip(logits, targets, (x, t) => {
    // A probability of exactly 0 or 1 removes a term, whatever the other is; 0 times infinity stays NaN, as in PyTorch.
    if (!Number.isFinite(x)) return positive * t * unary.softplus(-x) + (1 - t) * unary.softplus(x);
    return positive * t * bceOfLogit(x, 1) + (1 - t) * bceOfLogit(x, 0);
  });

/**
 * Focal loss (Lin et al., 2017) of each logit [.., K] against class indices [..]: -1 is background (no class), -2 is
 * ignored (loss 0). A negative alpha applies no weights.
 */
export function sigmoidFocalLoss(logits: Ref, targets: Ref, alpha = 0.25, gamma = 2): Ref {
  const classes = logits.shape.at(-1)!;
  const losses = logits.data.map((x, i) => {
    const target = targets.data[Math.floor(i / classes)]!;
    if (target === -2) return 0;
    if (target < -2 || target >= classes) return NaN;
    const isClass = i % classes === target;
    // 1 - p_t, computed as a sigmoid so that it keeps its digits when p_t is close to 1.
    const miss = unary.sigmoid(isClass ? -x : x);
    const weight = alpha < 0 ? 1 : isClass ? alpha : 1 - alpha;
    return weight * miss ** gamma * unary.softplus(isClass ? -x : x);
  });
  return ref(logits.shape, losses);
}

export interface RowOptions {
  readonly weight?: Ref | undefined;
  readonly ignoreIndex?: number | undefined;
  readonly reduction?: 'none' | 'sum' | 'mean' | undefined;
}

/** -weight[target] x[target] for each row of log-probabilities [.., K] and class indices [..]; the mean is weighted. */
export const nllLoss = (x: Ref, targets: Ref, options: RowOptions = {}): Ref => smoothedLoss(x, targets, options, 0);

/** The same of log softmax; `labelSmoothing` is spread evenly over all classes. */
export const crossEntropy = (
  logits: Ref,
  targets: Ref,
  { labelSmoothing = 0, ...options }: RowOptions & { readonly labelSmoothing?: number | undefined } = {},
): Ref => smoothedLoss(logSoftmax(logits, -1), targets, options, labelSmoothing);

function smoothedLoss(
  logs: Ref,
  targets: Ref,
  { weight, ignoreIndex = -100, reduction = 'none' }: RowOptions,
  smoothing: number,
): Ref {
  const classes = logs.shape.at(-1)!;
  const w = (c: number): number => weight?.data[c] ?? 1;
  let divisor = 0;
  const losses = targets.data.map((target, row) => {
    if (target === ignoreIndex) return 0;
    if (!(target >= 0 && target < classes)) return NaN;
    divisor += w(target);
    const log = (c: number): number => logs.data[row * classes + c]!;
    let even = 0;
    for (let c = 0; smoothing > 0 && c < classes; c++) even -= (smoothing / classes) * w(c) * log(c);
    return -(1 - smoothing) * w(target) * log(target) + even;
  });
  if (reduction === 'none') return ref(targets.shape, losses);
  const total = losses.reduce((sum, loss) => sum + loss, 0);
  return ref([], [reduction === 'sum' ? total : total / divisor]);
}

/** (x - z)^2. */
export const mseLoss = (a: Ref, b: Ref): Ref => zip(a, b, (x, z) => (x - z) ** 2);
/** |x - z|. */
export const l1Loss = (a: Ref, b: Ref): Ref => zip(a, b, (x, z) => Math.abs(x - z));
/** 0.5 d^2 where |d| < delta, otherwise delta (|d| - 0.5 delta). */
export const huberLoss = (a: Ref, b: Ref, delta = 1): Ref =>
  zip(a, b, (x, z) => {
    const d = Math.abs(x - z);
    return d < delta ? 0.5 * d * d : delta * (d - 0.5 * delta);
  });

/** All losses as one number; the mean of none is NaN. */
export function reduced(losses: Ref, reduction: 'none' | 'sum' | 'mean' = 'mean'): Ref {
  if (reduction === 'none') return losses;
  const total = losses.data.reduce((sum, loss) => sum + loss, 0);
  return ref([], [reduction === 'sum' ? total : total / losses.data.length]);
}

/** 0.5 d^2 / beta where |d| < beta, otherwise |d| - 0.5 beta; beta 0 is |d|. */
export const smoothL1 = (a: Ref, b: Ref, beta = 1): Ref =>
  zip(a, b, (x, z) => {
    const d = Math.abs(x - z);
    return d < beta ? (0.5 * d * d) / beta : d - 0.5 * beta;
  });

/** 1 - generalised IoU (Rezatofighi et al., 2019) of each pair of boxes [.., 4], eps 1e-7 as in torchvision. */
export function giouLoss(a: Ref, b: Ref, eps = 1e-7): Ref {
  return build(a.shape.slice(0, -1), (index) => {
    const corner = (boxes: Ref, i: number): number => at(boxes, [...index, i]);
    const [ax1, ay1, ax2, ay2] = [corner(a, 0), corner(a, 1), corner(a, 2), corner(a, 3)];
    const [bx1, by1, bx2, by2] = [corner(b, 0), corner(b, 1), corner(b, 2), corner(b, 3)];
    const width = Math.min(ax2, bx2) - Math.max(ax1, bx1);
    const height = Math.min(ay2, by2) - Math.max(ay1, by1);
    const shared = width > 0 && height > 0 ? width * height : 0;
    const union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - shared;
    const hull = (Math.max(ax2, bx2) - Math.min(ax1, bx1)) * (Math.max(ay2, by2) - Math.min(ay1, by1));
    return 1 - (shared / (union + eps) - (hull - union) / (hull + eps));
  });
}
