// An image with boxes on a canvas.
import { useEffect, useRef } from 'preact/hooks';
import { COLOURS } from './charts.tsx';
import type { Pixels } from './pictures.ts';

/** Boxes to draw: solid for detections, dashed for ground truth. */
interface DrawnBoxes {
  readonly boxes: Float32Array;
  readonly labels: Int32Array;
  /** With scores, only those from `threshold` are drawn. */
  readonly scores?: Float32Array;
  readonly threshold?: number;
  readonly isTruth?: boolean;
}

/** Small images are enlarged to at least this width, so that lines stay thin. */
const LEAST_WIDTH = 512;

export const colourOf = (label: number): string => COLOURS[label % COLOURS.length]!;

interface Props {
  readonly pixels: Pixels;
  readonly layers: readonly DrawnBoxes[];
  readonly label: string;
}

export function BoxCanvas({ pixels, layers, label }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const { width, height, data } = pixels;
    const scale = Math.max(1, Math.round(LEAST_WIDTH / width));
    const target = canvas.current!;
    [target.width, target.height] = [width * scale, height * scale];
    const source = new OffscreenCanvas(width, height);
    source.getContext('2d')!.putImageData(new ImageData(data, width, height), 0, 0);
    const context = target.getContext('2d')!;
    context.imageSmoothingEnabled = false;
    context.drawImage(source, 0, 0, target.width, target.height);
    for (const layer of layers) drawBoxes(context, layer, scale, Math.max(2, target.width / 200));
  }, [pixels, layers]);
  return <canvas ref={canvas} role="img" aria-label={label} />;
}

function drawBoxes(context: CanvasRenderingContext2D, layer: DrawnBoxes, scale: number, line: number): void {
  const { boxes, labels, scores, threshold = 0, isTruth = false } = layer;
  for (const [i, label] of labels.entries()) {
    if (scores !== undefined && scores[i]! < Math.fround(threshold)) continue;
    const [x1, y1, x2, y2] = boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const place = [x1 * scale, y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale] as const;
    context.setLineDash(isTruth ? [2 * line, 2 * line] : []);
    // A dark line below, so that it is seen on every ground.
    context.lineWidth = line + 2;
    context.strokeStyle = '#0009';
    context.strokeRect(...place);
    context.lineWidth = line;
    context.strokeStyle = isTruth ? '#fff' : colourOf(label);
    context.strokeRect(...place);
  }
}
