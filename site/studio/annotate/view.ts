// Where the image lies on the stage: a scale, and the position of its upper left corner, in CSS pixels.
import type { Box } from 'retinagrad/data';
import type { Size } from './geometry.ts';

export interface View {
  /** CSS pixels for each pixel of the image. */
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

const MIN_SCALE = 0.02;
const MAX_SCALE = 40;
/** CSS pixels of the image that stay on the stage, so that it cannot get lost. */
const VISIBLE = 48;
const MARGIN = 12;

/** The whole image in the middle of the stage. */
export function fitView(image: Size, stage: Size): View {
  const room = (length: number): number => Math.max(length - 2 * MARGIN, 1);
  const scale = Math.min(room(stage.width) / image.width, room(stage.height) / image.height, MAX_SCALE);
  return { scale, x: (stage.width - image.width * scale) / 2, y: (stage.height - image.height * scale) / 2 };
}

function keepVisible({ scale, x, y }: View, image: Size, stage: Size): View {
  const within = (at: number, length: number, room: number): number =>
    Math.min(Math.max(at, VISIBLE - length * scale), room - VISIBLE);
  return { scale, x: within(x, image.width, stage.width), y: within(y, image.height, stage.height) };
}

/** Zooms by a factor; the point `x, y` of the stage stays where it is. */
export function zoomView(view: View, factor: number, x: number, y: number, image: Size, stage: Size): View {
  const scale = Math.min(Math.max(view.scale * factor, MIN_SCALE), MAX_SCALE);
  const by = scale / view.scale;
  return keepVisible({ scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by }, image, stage);
}

export const panView = (view: View, dx: number, dy: number, image: Size, stage: Size): View =>
  keepVisible({ ...view, x: view.x + dx, y: view.y + dy }, image, stage);

/** A point of the stage in pixels of the image. */
export const toImage = ({ scale, x, y }: View, stageX: number, stageY: number): readonly [number, number] => [
  (stageX - x) / scale,
  (stageY - y) / scale,
];

export const toStage = ({ scale, x, y }: View, box: Box): Box => [
  box[0] * scale + x,
  box[1] * scale + y,
  box[2] * scale + x,
  box[3] * scale + y,
];

/** A box in the middle of what is visible, a quarter as wide: where the keyboard begins to draw. */
export function middleBox(view: View, image: Size, stage: Size): Box {
  const [left, top] = toImage(view, 0, 0);
  const [right, bottom] = toImage(view, stage.width, stage.height);
  const [x1, y1] = [Math.max(left, 0), Math.max(top, 0)];
  const [x2, y2] = [Math.min(right, image.width), Math.min(bottom, image.height)];
  const half = Math.max(Math.min(x2 - x1, y2 - y1) / 8, 1);
  const [x, y] = [Math.round((x1 + x2) / 2), Math.round((y1 + y2) / 2)];
  return [x - half, y - half, x + half, y + half];
}
