import { formatBytes } from '../tensor/errors.ts';
import type { Comparison } from './compare.ts';
import { bestOf } from './measure.ts';
import type { PartsResult } from './parts.ts';
import type { Measured } from './result.ts';

/** One line for a measured case: its time with the quartiles, its rate and figures, and what is wrong with its result. */
export function caseLine({ name, timing, rate, wrong, figures = {} }: Measured): string {
  const spread = timing.cpu ?? timing.wall;
  const columns = [
    name.padEnd(52),
    `${bestOf(timing).toFixed(2)} ms`.padStart(12),
    `(${spread.low.toFixed(2)} to ${spread.high.toFixed(2)})`.padStart(20),
  ];
  if (rate !== undefined) {
    const fraction = `${(100 * rate.share).toFixed(0)} %`;
    columns.push(`${rate.value.toFixed(1)} ${rate.unit}`.padStart(15), fraction.padStart(6));
  }
  const { imagesPerSecond, dispatches, peakBytes, heldBytes, hostMicroseconds, eagerHostMicroseconds } = figures;
  const { timeRatio, memoryRatio, speedup, modelled } = figures;
  if (imagesPerSecond !== undefined) columns.push(`${imagesPerSecond.toFixed(2)} images/s`);
  if (dispatches !== undefined) columns.push(`${dispatches} dispatches`);
  if (peakBytes !== undefined) columns.push(`peak ${formatBytes(peakBytes)}`);
  if (heldBytes !== undefined) columns.push(`held ${formatBytes(heldBytes)}`);
  if (hostMicroseconds !== undefined && eagerHostMicroseconds !== undefined) {
    columns.push(
      `JavaScript ${hostMicroseconds.toFixed(0)} µs per dispatch, ${eagerHostMicroseconds.toFixed(0)} µs without recording`,
    );
  }
  if (timeRatio !== undefined && memoryRatio !== undefined) {
    columns.push(`${timeRatio.toFixed(2)}x the time, ${memoryRatio.toFixed(2)}x the peak memory`);
  }
  if (speedup !== undefined) columns.push(`${speedup.toFixed(1)}x`.padStart(7));
  if (modelled !== undefined) columns.push(`${(100 * modelled).toFixed(0)} %`.padStart(5));
  if (typeof wrong === 'string') columns.push(`WRONG: ${wrong}`);
  return columns.join(' ');
}

/** The parts of a run, one per line. */
export function partsTable({ what, milliseconds, parts }: PartsResult): string {
  const row = ({ name, milliseconds: ms, dispatches, bytes }: (typeof parts)[number]): string =>
    `  ${name.padEnd(34)} ${ms.toFixed(1).padStart(9)} ms ${((100 * ms) / milliseconds).toFixed(1).padStart(5)} % ` +
    `${String(dispatches).padStart(5)} dispatches ${formatBytes(bytes).padStart(10)}`;
  return `${what}: ${milliseconds.toFixed(1)} ms\n${parts.map(row).join('\n')}`;
}

/** One line for a case of two results; a clear difference is marked with an asterisk. */
export const comparisonLine = ({ name, ratio, isClear }: Comparison): string =>
  `${name.padEnd(52)} ${ratio.toFixed(2).padStart(7)}x ${isClear ? '*' : ''}`;
