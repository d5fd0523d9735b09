// Figures of benchmarks, as text.
import type { Measured, Timing } from 'retinagrad/bench';

/** Three digits that count: 0.123, 1.23, 12.3, 123, 1,234. */
export const figure = (value: number): string =>
  value >= 100
    ? Math.round(value).toLocaleString('en')
    : value.toFixed(Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(value || 1)))));

/** Median milliseconds of a run. */
export const timeOf = ({ wall }: Timing): string => `${figure(wall.median)} ms`;

/** `12.3 GFLOP/s`, or nothing for a case without a rate. */
export const rateOf = ({ rate }: Measured): string => (rate === undefined ? '' : `${figure(rate.value)} ${rate.unit}`);

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
