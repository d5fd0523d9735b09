// The table of kernels that the page measured on this browser's adapter, kept for its next visit.
import { init, type Device } from 'retinagrad';
import type { TuneResult } from 'retinagrad/bench';

const KEY = 'retinagrad tuning';

/** Keeps a result, unless it gains nothing: then none is kept. */
export function keep(result: TuneResult): void {
  if (result.gain > 1) localStorage.setItem(KEY, JSON.stringify(result));
  else forget();
}

export const forget = (): void => localStorage.removeItem(KEY);

/** The result that is kept; null if there is none, or none that can be read: the page works without it. */
export function kept(): TuneResult | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? 'null') as TuneResult | null;
  } catch {
    return null;
  }
}

/** Opens the GPU with the table that is kept for its adapter, if there is one. */
export async function openTuned(): Promise<Device> {
  const device = await init();
  const result = kept();
  if (result?.adapter.name !== device.adapter.name) return device;
  device.destroy();
  return init({ tuning: result.tuning });
}
