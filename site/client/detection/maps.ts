// Feature maps on canvases with their names.
import type { Tensor } from 'retinagrad';
import { element } from '../ui.ts';
import { drawMap } from './draw-map.ts';

/** Maps side by side. */
export const maps = (...views: readonly Node[]): HTMLElement => element('div', { class: 'maps' }, ...views);

/**
 * A canvas with its name and size below. Everything is queued before it returns; the promise is that it can be seen.
 *
 * @param scale value of the strongest colour; default the largest magnitude
 */
export async function mapView(name: string, values: Tensor, scale?: number): Promise<HTMLElement> {
  const size = values.shape.join(' × ');
  const canvas = element('canvas', { class: 'map', role: 'img', 'aria-label': `${name}, ${size} cells` });
  await drawMap(values, canvas, scale);
  return element('figure', { class: 'map' }, canvas, element('figcaption', {}, `${name} · ${size}`));
}
