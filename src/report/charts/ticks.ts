/** The range of an axis, with the values that are labelled. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  readonly labels: readonly string[];
  readonly log: boolean;
}

/** The smallest step of 1, 2 or 5 times a power of ten that divides a span into at most `count` parts. */
export function niceStep(span: number, count: number): number {
  const least = span / count;
  const power = 10 ** Math.floor(Math.log10(least));
  // Tolerance for rounding: 0.3 / 3 is more than 0.1.
  const factor = [1, 2, 5].find((candidate) => candidate * power >= least * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** A tick value as text: thousands grouped, only the decimals that the step needs, `2e-5` if plain digits are too long. */
export function tickLabel(value: number, step: number): string {
  if (value === 0) return '0';
  const exponent = Math.floor(Math.log10(step) + 1e-9);
  if (Math.abs(value) >= 1e7 || exponent < -4) {
    const digits = Math.floor(Math.log10(Math.abs(value)) + 1e-9) - exponent;
    return value.toExponential(Math.max(0, Math.min(20, digits))).replace('e+', 'e');
  }
  const decimals = Math.max(0, -exponent);
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function multiples(low: number, high: number, step: number): number[] {
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // For steps below 1, division is exact: 3 / 10, not 3 * 0.1.
  const inverse = Math.round(1 / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => {
    return step < 1 && inverse < 1e15 ? (first + i) / inverse : (first + i) * step;
  });
}

/** A linear axis. Ends that are not `fixed` move outwards to a multiple of the step; equal ends are moved apart first. */
export function linearAxis(low: number, high: number, count: number, fixed: { low: boolean; high: boolean }): Axis {
  let [from, to] = [low, high];
  if (from === to) {
    const room = from === 0 ? 1 : Math.abs(from) / 2;
    if (!fixed.low) from -= room;
    if (!fixed.high || fixed.low) to += room;
  }
  const step = niceStep(to - from, count);
  if (!fixed.low) from = Math.floor(from / step + 1e-9) * step;
  if (!fixed.high) to = Math.ceil(to / step - 1e-9) * step;
  const ticks = multiples(from, to, step);
  return { low: from, high: to, ticks, labels: ticks.map((tick) => tickLabel(tick, step)), log: false };
}

/** A logarithmic axis with positive ends and ticks at 1, 2 and 5 or, over many decades, at powers of ten. */
export function logAxis(low: number, high: number, fixed: { low: boolean; high: boolean }): Axis {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.ceil(Math.log10(high) - 1e-9);
  const stride = Math.max(1, Math.ceil((last - first) / 8));
  const factors = last - first <= 3 ? [1, 2, 5] : [1];
  const all: number[] = [];
  for (let power = first; power <= last + stride; power += stride) {
    for (const factor of factors) all.push(Number(`${factor}e${power}`));
  }
  const from = fixed.low ? low : (all.filter((tick) => tick <= low * (1 + 1e-9)).at(-1) ?? low);
  const reached = all.find((tick) => tick >= high * (1 - 1e-9) && tick > from) ?? high;
  const to = fixed.high ? high : reached;
  const ticks = all.filter((tick) => tick >= from * (1 - 1e-9) && tick <= to * (1 + 1e-9));
  // Fixed ends can lie between two ticks; a short range of a logarithmic axis is nearly linear.
  if (ticks.length < 2) return { ...linearAxis(from, to, 5, { low: true, high: true }), log: true };
  const labels = ticks.map((tick) => tickLabel(tick, 10 ** Math.floor(Math.log10(tick) + 1e-9)));
  return { low: from, high: to, ticks, labels, log: true };
}

/** The position of a value on an axis: 0 at its low end, 1 at its high end. */
export function axisPosition(axis: Axis, value: number): number {
  const { low, high } = axis;
  return axis.log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}
