// How the steps of the explainer are drawn.
import { max, noGrad, reshape, sigmoid, slice, sqrt, square, sum, tidy, type Size, type Tensor } from 'retinagrad';
import { channelOf, type Channel } from '../detection/draw-map.ts';
import { maps, mapView } from '../detection/maps.ts';
import { outline, scene, cornersAt } from '../detection/scene.ts';
import type { Tile } from '../detection/tiles.ts';
import { element, svg } from '../ui.ts';
import type { Analysis, Found, Judged } from './network.ts';

/** One channel of maps [1, H, W, C], by name. */
export const mapsOf = (
  names: readonly string[],
  tensors: readonly Tensor[],
  channel: Channel,
): Promise<HTMLElement> => {
  const drawn: Promise<HTMLElement>[] = [];
  tidy(() => {
    for (const [i, map] of tensors.entries()) drawn.push(mapView(names[i]!, channelOf(map, channel)));
  });
  return shown(drawn);
};

const shown = async (drawn: readonly Promise<HTMLElement>[]): Promise<HTMLElement> =>
  maps(...(await Promise.all(drawn)));

/** Where the values of a level begin among all anchors. */
function levelStarts(levels: readonly Size[], perCell: number): number[] {
  let start = 0;
  return levels.map(([height, width]) => {
    start += height * width * perCell;
    return start - height * width * perCell;
  });
}

/** The highest score of each cell of each level. Its square root is shown, so that low scores are seen. */
export function scoreMaps({ logits, levels }: Analysis, perCell: number): Promise<HTMLElement> {
  const starts = levelStarts(levels, perCell);
  const drawn: Promise<HTMLElement>[] = [];
  noGrad(() =>
    tidy(() => {
      for (const [i, [height, width]] of levels.entries()) {
        const own = reshape(slice(logits, [0, starts[i]!, 0], [1, height * width * perCell, 1]), [
          height,
          width,
          perCell,
        ]);
        drawn.push(mapView(`P${i + 3}`, sqrt(max(sigmoid(own), -1)), 1));
      }
    }),
  );
  return shown(drawn);
}

/** Which input pixels raise or lower a score: the norm of the gradient over the channels. */
export function influenceMap(gradient: Tensor): Promise<HTMLElement> {
  let drawn: Promise<HTMLElement> | null = null;
  tidy(() => {
    drawn = mapView('|∂ logit / ∂ pixel|', sqrt(sum(square(gradient), -1)));
  });
  return drawn!;
}

/** Cells with foreground or ignored anchors over the image. */
export function matchScene(tile: Tile, anchors: Float32Array, { matches }: Judged, perCell: number): SVGElement {
  const dots: SVGElement[] = [];
  for (let cell = 0; cell < matches.length / perCell; cell++) {
    const own = Array.from({ length: perCell }, (_, i) => matches[cell * perCell + i]!);
    const foreground = own.filter((match) => match >= 0).length;
    const ignored = own.filter((match) => match === -2).length;
    if (foreground + ignored === 0) continue;
    const [x1, y1, x2, y2] = cornersAt(anchors, cell * perCell);
    const kind = foreground > 0 ? 'foreground' : 'ignored';
    const r = 0.5 + 0.5 * Math.sqrt(foreground || ignored);
    dots.push(svg('circle', { class: `dot ${kind}`, cx: (x1 + x2) / 2, cy: (y1 + y2) / 2, r }));
  }
  const objects = Array.from(tile.labels, (_, i) => outline(cornersAt(tile.boxes, i), 'missed'));
  return scene('Cells whose anchors are foreground or ignored', tile, ...objects, ...dots);
}

/** The anchors of the cell in the middle of each level. */
export function anchorScene(tile: Tile, anchors: Float32Array, levels: readonly Size[], perCell: number): HTMLElement {
  const starts = levelStarts(levels, perCell);
  return maps(
    ...levels.slice(0, 4).map(([height, width], i) => {
      const cell = Math.floor(height / 2) * width + Math.floor(width / 2);
      const boxes = Array.from({ length: perCell }, (_, k) =>
        outline(cornersAt(anchors, starts[i]! + cell * perCell + k), 'anchor'),
      );
      return element(
        'figure',
        { class: 'map' },
        scene(`Anchors of a cell of P${i + 3}`, tile, ...boxes),
        element('figcaption', {}, `P${i + 3} · ${height * width * perCell} anchors`),
      );
    }),
  );
}

/** The image with the boxes that are left: one stop of Tab, from which the arrow keys move the focus to the other boxes. */
export function boxScene(
  tile: Tile,
  found: readonly Found[],
  onInspect: (one: Found, group: SVGElement) => void,
): SVGElement {
  const root = scene(
    'Detected buildings',
    tile,
    ...Array.from(tile.labels, (_, i) => outline(cornersAt(tile.boxes, i), 'missed')),
  );
  root.setAttribute('role', 'group');
  const groups = found.map(({ box, score, anchor }, i) =>
    svg(
      'g',
      {
        class: 'detection',
        'data-key': anchor,
        tabindex: i === 0 ? 0 : -1,
        role: 'button',
        'aria-label': `Box ${i + 1} of ${found.length}, score ${score.toFixed(2)}`,
      },
      outline(box, 'found'),
    ),
  );
  for (const [i, group] of groups.entries()) {
    const inspect = (): void => {
      for (const other of groups) other.setAttribute('tabindex', other === group ? '0' : '-1');
      onInspect(found[i]!, group);
    };
    group.addEventListener('focus', inspect);
    group.addEventListener('pointerenter', inspect);
    group.addEventListener('keydown', (event) => {
      const to = {
        ArrowRight: groups[i + 1],
        ArrowDown: groups[i + 1],
        ArrowLeft: groups[i - 1],
        ArrowUp: groups[i - 1],
        Home: groups[0],
        End: groups.at(-1),
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      to.focus();
    });
  }
  root.append(...groups);
  return root;
}
