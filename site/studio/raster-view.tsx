// An image of any size with its detections, to zoom and pan. The page has a reduced picture of a large one, and asks the worker for
// the pixels of what is shown in more detail.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { fitView, panView, toImage, zoomView, type View } from './annotate/view.ts';
import { colourOf } from './canvas.tsx';
import type { DetectedImage } from './detector-use.ts';
import type { Pixels } from './pictures.ts';
import { studio } from './state.ts';
import { boxOf, shownIn } from './use-state.ts';

/** Full detail is asked for windows of at most so many pixels. */
const MOST_PIXELS = 2 ** 22;
/** Milliseconds without a movement before it is asked for. */
const QUIET = 150;
/** CSS pixels of a press of an arrow key, and the factor of a step of zooming. */
const STEP = 60;
const ZOOM = 1.5;

interface Detail {
  readonly x: number;
  readonly y: number;
  readonly canvas: OffscreenCanvas;
}

function canvasOf({ width, height, data }: Pixels): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')!.putImageData(new ImageData(data, width, height), 0, 0);
  return canvas;
}

export function RasterView({ image, label }: { readonly image: DetectedImage; readonly label: string }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const picture = useMemo(() => canvasOf(image.picture), [image]);
  const view = useSignal<View | null>(null);
  const detail = useSignal<Detail | null>(null);
  const stage = () => ({ width: ref.current!.clientWidth, height: ref.current!.clientHeight });
  const zoom = (factor: number, x = stage().width / 2, y = stage().height / 2): void => {
    view.value = zoomView(view.value!, factor, x, y, image, stage());
  };
  const pan = (dx: number, dy: number): void => void (view.value = panView(view.value!, dx, dy, image, stage()));
  const fit = (): void => void (view.value = fitView(image, stage()));

  useEffect(fit, [image]);
  useEffect(
    () => void (view.value !== null && draw(ref.current!, view.value, { image, picture, detail: detail.value })),
  );
  useEffect(() => {
    const timer = setTimeout(
      () => void detailOf(image, view.value!, stage()).then((one) => one && (detail.value = one)),
      QUIET,
    );
    return () => clearTimeout(timer);
  }, [image, view.value]);
  usePointers(ref, zoom, pan);

  const onKeyDown = (event: KeyboardEvent): void => {
    const action = {
      '+': () => zoom(ZOOM),
      '-': () => zoom(1 / ZOOM),
      '0': fit,
      ArrowLeft: () => pan(STEP, 0),
      ArrowRight: () => pan(-STEP, 0),
      ArrowUp: () => pan(0, STEP),
      ArrowDown: () => pan(0, -STEP),
    }[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    action();
  };
  return (
    <div class="studio-raster" data-scale={view.value?.scale} data-detail={detail.value !== null}>
      <canvas
        ref={ref}
        role="application"
        aria-label={`${label}. Arrow keys move, plus and minus zoom, 0 shows all`}
        tabIndex={0}
        onKeyDown={onKeyDown}
      />
      <p class="studio-actions">
        <button onClick={() => zoom(ZOOM)}>Zoom in</button>
        <button onClick={() => zoom(1 / ZOOM)}>Zoom out</button>
        <button onClick={fit}>Show all</button>
      </p>
    </div>
  );
}

/** Wheel, mouse and fingers: one moves, two zoom. */
function usePointers(
  ref: { readonly current: HTMLCanvasElement | null },
  zoom: (factor: number, x: number, y: number) => void,
  pan: (dx: number, dy: number) => void,
): void {
  const latest = useRef({ zoom, pan });
  latest.current = { zoom, pan };
  useEffect(() => {
    const canvas = ref.current!;
    const pointers = new Map<number, readonly [number, number]>();
    const at = (event: MouseEvent): readonly [number, number] => [event.offsetX, event.offsetY];
    const down = (event: PointerEvent): void => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, at(event));
    };
    const move = (event: PointerEvent): void => {
      const before = pointers.get(event.pointerId);
      if (before === undefined) return;
      const now = at(event);
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      pointers.set(event.pointerId, now);
      if (other === undefined) return latest.current.pan(now[0] - before[0], now[1] - before[1]);
      const distance = (point: readonly [number, number]): number =>
        Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
      latest.current.zoom(distance(now) / distance(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    };
    const up = (event: PointerEvent): void => void pointers.delete(event.pointerId);
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      latest.current.zoom(2 ** (-event.deltaY / 200), ...at(event));
    };
    canvas.addEventListener('pointerdown', down);
    canvas.addEventListener('pointermove', move);
    canvas.addEventListener('pointerup', up);
    canvas.addEventListener('pointercancel', up);
    // Passive listeners, as frameworks add them, could not keep the page from scrolling.
    canvas.addEventListener('wheel', wheel, { passive: false });
  }, []);
}

/** The pixels of what is shown; null if the picture has them, or there are too many. */
async function detailOf(
  { id, width, height, factor }: DetectedImage,
  view: View,
  stage: { readonly width: number; readonly height: number },
): Promise<Detail | null> {
  const [left, top] = toImage(view, 0, 0).map((value) => Math.max(0, Math.floor(value))) as [number, number];
  const [right, bottom] = toImage(view, stage.width, stage.height);
  const window = {
    x: left,
    y: top,
    width: Math.min(width, Math.ceil(right)) - left,
    height: Math.min(height, Math.ceil(bottom)) - top,
  };
  const isNeeded = factor > 1 && view.scale * devicePixelRatio > 1 / factor;
  if (!isNeeded || window.width < 1 || window.height < 1 || window.width * window.height > MOST_PIXELS) return null;
  return { x: window.x, y: window.y, canvas: canvasOf(await studio.use.view(id, window)) };
}

function draw(
  canvas: HTMLCanvasElement,
  { scale, x, y }: View,
  {
    image,
    picture,
    detail,
  }: { readonly image: DetectedImage; readonly picture: OffscreenCanvas; readonly detail: Detail | null },
): void {
  const ratio = devicePixelRatio;
  [canvas.width, canvas.height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
  const context = canvas.getContext('2d')!;
  context.setTransform(scale * ratio, 0, 0, scale * ratio, x * ratio, y * ratio);
  // Single pixels are seen when they are large.
  context.imageSmoothingEnabled = scale < 2;
  context.drawImage(picture, 0, 0, picture.width * image.factor, picture.height * image.factor);
  if (detail !== null) context.drawImage(detail.canvas, detail.x, detail.y);
  for (const i of shownIn(image)) {
    const [x1, y1, x2, y2] = boxOf(image, i);
    // A dark line below, so that it is seen on every ground.
    for (const [colour, line] of [
      ['#0009', 4],
      [colourOf(image.labels[i]!), 2],
    ] as const) {
      context.strokeStyle = colour;
      context.lineWidth = line / scale;
      context.strokeRect(x1, y1, x2 - x1, y2 - y1);
    }
  }
}
