// The trained detector of the site (site/make-model.mjs).
import { Detector } from 'retinagrad/detector';
import { device } from '../gpu.ts';
import { modelBytes } from './model-file.ts';

let loading: Promise<Detector> | null = null;

async function load(): Promise<Detector> {
  await device();
  return Detector.fromBytes(await modelBytes(), 'buildings.safetensors');
}

/** The detector, loaded once for all figures of a page. */
export const buildings = (): Promise<Detector> => (loading ??= load());
