// The trained detector of the site (site/make-model.mjs).
import { Detector } from 'retinagrad/detector';
import { device } from '../gpu.ts';

let loading: Promise<Detector> | null = null;

async function load(): Promise<Detector> {
  await device();
  const response = await fetch(new URL('../models/buildings.safetensors', import.meta.url));
  if (!response.ok) throw new Error(`The trained detector could not be loaded (${response.status}).`);
  return Detector.fromBytes(new Uint8Array(await response.arrayBuffer()), 'buildings.safetensors');
}

/** The detector, loaded once for all figures of a page. */
export const buildings = (): Promise<Detector> => (loading ??= load());
