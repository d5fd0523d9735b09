// Pointers on the stage: mouse, pen and fingers. One draws, moves, resizes or pans; two fingers pan and zoom.
import type { Box } from 'retinagrad/data';
import {
  boxAt,
  contains,
  fitBox,
  HANDLES,
  handlePoint,
  moveBox,
  pullHandle,
  type Handle,
  type Size,
} from './geometry.ts';
import type { Selection } from './model.ts';
import { panView, toImage, toStage, zoomView, type View } from './view.ts';

/** What gestures act on, as it is now. */
export interface Scene {
  readonly image: Size;
  readonly stage: Size;
  readonly view: View;
  readonly boxes: readonly Box[];
  readonly suggestions: readonly Box[];
  readonly selected: { readonly selection: Selection; readonly box: Box } | null;
  /** Whether dragging pans: the space bar is held. */
  readonly panning: boolean;
}

/** What gestures lead to. */
export interface Effects {
  readonly setView: (view: View) => void;
  /** The box that is being drawn, moved or resized; null when that ends. */
  readonly setDraft: (draft: { readonly box: Box; readonly isNew: boolean } | null) => void;
  readonly add: (box: Box) => void;
  readonly resize: (box: Box) => void;
  readonly select: (selection: Selection | null) => void;
}

type Drag =
  | { readonly kind: 'pan' }
  | { readonly kind: 'move'; readonly box: Box }
  | { readonly kind: 'pull'; readonly box: Box; readonly handle: Handle }
  | { readonly kind: 'draw' };

interface Pointer {
  x: number;
  y: number;
}

/** CSS pixels that a pointer may shake during a click. */
const SLOP = 4;
const REACH = { mouse: 7, pen: 10, touch: 18 } as const;

/** Handles of a box that is large enough on the stage to have them apart; otherwise only that of its lower right corner. */
export function handlesOf([x1, y1, x2, y2]: Box): readonly Handle[] {
  return Math.min(x2 - x1, y2 - y1) < 24 ? ['se'] : HANDLES;
}

function handleAt(box: Box, x: number, y: number, reach: number): Handle | null {
  const distance = (handle: Handle): number => {
    const [hx, hy] = handlePoint(box, handle);
    return Math.max(Math.abs(hx - x), Math.abs(hy - y));
  };
  const [nearest] = [...handlesOf(box)].sort((a, b) => distance(a) - distance(b));
  return nearest !== undefined && distance(nearest) <= reach ? nearest : null;
}

export class Gestures {
  readonly #scene: () => Scene;
  readonly #effects: Effects;
  readonly #pointers = new Map<number, Pointer>();
  #drag: Drag | null = null;
  #start: Pointer = { x: 0, y: 0 };
  #hasMoved = false;

  constructor(scene: () => Scene, effects: Effects) {
    this.#scene = scene;
    this.#effects = effects;
  }

  /** A pointer at `x, y` of the stage is pressed. */
  down(id: number, type: string, button: number, x: number, y: number): void {
    this.#pointers.set(id, { x, y });
    if (this.#pointers.size > 1) {
      this.#cancel();
      return;
    }
    this.#start = { x, y };
    this.#hasMoved = false;
    this.#drag = this.#dragAt(type, button, x, y);
  }

  #dragAt(type: string, button: number, x: number, y: number): Drag | null {
    const { selected, view, panning } = this.#scene();
    if (panning || button === 1) return { kind: 'pan' };
    if (button !== 0) return null;
    if (selected !== null) {
      const { box } = selected;
      const handle = handleAt(toStage(view, box), x, y, REACH[type as keyof typeof REACH] ?? REACH.touch);
      if (handle !== null) return { kind: 'pull', box, handle };
      if (contains(box, ...toImage(view, x, y))) return { kind: 'move', box };
    }
    return { kind: 'draw' };
  }

  move(id: number, x: number, y: number): void {
    const pointer = this.#pointers.get(id);
    if (pointer === undefined) return;
    const before = { ...pointer };
    pointer.x = x;
    pointer.y = y;
    if (this.#pointers.size > 1) {
      this.#pinch(id, before, pointer);
      return;
    }
    const { x: startX, y: startY } = this.#start;
    this.#hasMoved ||= Math.hypot(x - startX, y - startY) > SLOP;
    if (!this.#hasMoved || this.#drag === null) return;
    const { view, image, stage } = this.#scene();
    if (this.#drag.kind === 'pan') this.#effects.setView(panView(view, x - before.x, y - before.y, image, stage));
    else this.#effects.setDraft({ box: this.#boxOf(this.#drag, x, y), isNew: this.#drag.kind === 'draw' });
  }

  /** A pointer is released. */
  up(id: number, x: number, y: number): void {
    const isLast = this.#pointers.delete(id) && this.#pointers.size === 0;
    const drag = this.#drag;
    if (!isLast || drag === null) return;
    this.#drag = null;
    this.#effects.setDraft(null);
    if (drag.kind === 'pan') return;
    if (!this.#hasMoved) this.#click(x, y);
    else if (drag.kind === 'draw') this.#effects.add(this.#boxOf(drag, x, y));
    else this.#effects.resize(this.#boxOf(drag, x, y));
  }

  /** The browser took a pointer away. */
  cancel(id: number): void {
    this.#pointers.delete(id);
    this.#cancel();
  }

  #cancel(): void {
    this.#drag = null;
    this.#effects.setDraft(null);
  }

  /** The box of a drag that has come to `x, y`. */
  #boxOf(drag: Exclude<Drag, { kind: 'pan' }>, x: number, y: number): Box {
    const { view, image } = this.#scene();
    const [startX, startY] = toImage(view, this.#start.x, this.#start.y);
    const [endX, endY] = toImage(view, x, y);
    const [dx, dy] = [endX - startX, endY - startY];
    switch (drag.kind) {
      case 'move':
        return moveBox(drag.box, dx, dy, image);
      case 'pull':
        return pullHandle(drag.box, drag.handle, dx, dy, image);
      case 'draw':
        return fitBox([startX, startY, endX, endY], image);
    }
  }

  #click(x: number, y: number): void {
    const { view, boxes, suggestions } = this.#scene();
    const [imageX, imageY] = toImage(view, x, y);
    const found = boxAt([...boxes, ...suggestions], imageX, imageY);
    if (found === null) this.#effects.select(null);
    else if (found < boxes.length) this.#effects.select({ of: 'boxes', index: found });
    else this.#effects.select({ of: 'suggestions', index: found - boxes.length });
  }

  #pinch(id: number, before: Pointer, after: Pointer): void {
    const other = [...this.#pointers].find(([otherId]) => otherId !== id)![1];
    const distance = (a: Pointer): number => Math.max(Math.hypot(a.x - other.x, a.y - other.y), 1);
    const { view, image, stage } = this.#scene();
    const [x, y] = [(after.x + other.x) / 2, (after.y + other.y) / 2];
    const moved = panView(view, (after.x - before.x) / 2, (after.y - before.y) / 2, image, stage);
    this.#effects.setView(zoomView(moved, distance(after) / distance(before), x, y, image, stage));
  }
}
