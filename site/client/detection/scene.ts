// An image with boxes over it, as SVG: it scales with the page, prints, and each box is an element that can have the focus.
import { element, svg, type Control } from '../ui.ts';

/** x1, y1, x2, y2 in pixels of the image. */
export type Corners = readonly [x1: number, y1: number, x2: number, y2: number];

/** Box number `i` of a flat array. */
export const cornersAt = (boxes: ArrayLike<number>, i: number): Corners => [
  boxes[4 * i]!,
  boxes[4 * i + 1]!,
  boxes[4 * i + 2]!,
  boxes[4 * i + 3]!,
];

/** The outline of a box; `kind` is its class of styles/detection.css. */
export function outline([x1, y1, x2, y2]: Corners, kind: string): SVGElement {
  return svg('rect', { class: `box ${kind}`, x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1) });
}

/** A picture of a size in pixels under its layers. */
export function scene(
  label: string,
  { width, height, url }: { readonly width: number; readonly height: number; readonly url?: string },
  ...layers: readonly SVGElement[]
): SVGElement {
  const picture = url === undefined ? [] : [svg('image', { href: url, width, height })];
  return svg(
    'svg',
    { class: 'scene', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label },
    ...picture,
    ...layers,
  );
}

/** Several scenes of one size. */
export const gallery = (...scenes: readonly SVGElement[]): HTMLElement =>
  element('div', { class: 'gallery' }, ...scenes);

/** A box that the reader moves. */
export interface Movable {
  readonly name: string;
  readonly kind: string;
  readonly box: Corners;
}

/** Boxes that the reader moves and stretches, over a picture. */
export interface BoxEditor extends Control<readonly Corners[]> {
  /** Lies between the picture and the boxes; the figure draws into it. */
  readonly layer: SVGElement;
}

const MIN_SIDE = 2;

/**
 * Boxes to be moved by pointer or by the arrow keys, and stretched at their lower right corner or by arrow keys with Shift, in whole
 * pixels within the picture.
 */
export function boxEditor(
  label: string,
  picture: { readonly width: number; readonly height: number; readonly url?: string },
  movables: readonly Movable[],
): BoxEditor {
  const layer = svg('g');
  const boxes = movables.map(({ box }) => box);
  const root = scene(label, picture, layer);
  root.setAttribute('role', 'group');
  const drawn = movables.map(({ name, kind }, i) => {
    const group = svg('g', {
      class: `movable ${kind}`,
      tabindex: 0,
      role: 'button',
      'aria-roledescription': 'movable box',
    });
    const drag = (isStretch: boolean) => (event: PointerEvent) => follow(event, i, isStretch);
    const parts = {
      name,
      group,
      body: svg('rect', { class: 'box' }),
      handle: svg('rect', { class: 'handle', width: 5, height: 5 }),
    };
    parts.body.addEventListener('pointerdown', drag(false));
    parts.handle.addEventListener('pointerdown', drag(true));
    group.append(parts.body, parts.handle);
    group.addEventListener('keydown', (event) => onKey(event, i));
    root.append(group);
    return parts;
  });
  const control: BoxEditor = {
    element: Object.assign(document.createElement('div'), { className: 'control editor' }),
    layer,
    get value() {
      return boxes;
    },
    set value(values) {
      values.forEach((box, i) => place(i, box));
    },
    onChange: () => {},
  };
  control.element.append(root);

  function place(i: number, box: Corners): void {
    boxes[i] = box;
    const [x1, y1, x2, y2] = box;
    const { name, group, body, handle } = drawn[i]!;
    for (const [key, value] of Object.entries({ x: x1, y: y1, width: x2 - x1, height: y2 - y1 }))
      body.setAttribute(key, String(value));
    handle.setAttribute('x', String(x2 - 2.5));
    handle.setAttribute('y', String(y2 - 2.5));
    group.setAttribute(
      'aria-label',
      `${name}: x ${x1} to ${x2}, y ${y1} to ${y2}. Arrow keys move it, with Shift they stretch it.`,
    );
  }

  function change(i: number, start: Corners, dx: number, dy: number, isStretch: boolean): void {
    const [x1, y1, x2, y2] = start;
    const clamp = (value: number, low: number, high: number): number =>
      Math.round(Math.min(Math.max(value, low), high));
    const right = clamp(x2 + dx, isStretch ? x1 + MIN_SIDE : x2 - x1, picture.width);
    const bottom = clamp(y2 + dy, isStretch ? y1 + MIN_SIDE : y2 - y1, picture.height);
    place(i, isStretch ? [x1, y1, right, bottom] : [right - (x2 - x1), bottom - (y2 - y1), right, bottom]);
    control.onChange();
  }

  function follow(down: PointerEvent, i: number, isStretch: boolean): void {
    down.preventDefault();
    const start = boxes[i]!;
    const scale = picture.width / root.getBoundingClientRect().width;
    const target = down.currentTarget as SVGElement;
    drawn[i]!.group.focus();
    target.setPointerCapture(down.pointerId);
    target.onpointermove = (move) =>
      change(i, start, (move.clientX - down.clientX) * scale, (move.clientY - down.clientY) * scale, isStretch);
    target.onpointerup = () => (target.onpointermove = null);
  }

  function onKey(event: KeyboardEvent, i: number): void {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    change(i, boxes[i]!, step[0]!, step[1]!, event.shiftKey);
  }

  movables.forEach(({ box }, i) => place(i, box));
  return control;
}
