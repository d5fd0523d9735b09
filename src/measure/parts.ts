import type { Device } from '../tensor/device.ts';
import type { ProfileEntry } from '../tensor/profile.ts';
import type { Module } from '../nn/module.ts';
import type { Workload } from './workload.ts';

/** Time and memory traffic of one part of a run. */
interface Part {
  readonly name: string;
  /** On the GPU, or on the host for parts without dispatches. `everything else` is the rest of the time. */
  readonly milliseconds: number;
  readonly dispatches: number;
  /** Bytes of the buffers that its dispatches bound. */
  readonly bytes: number;
  /** The same by kernel, longest first. */
  readonly kernels: readonly Omit<Part, 'kernels'>[];
}

/** A profiled run, in parts that add up to it. */
export interface PartsResult {
  readonly what: 'training step' | 'inference';
  /** Of the profiled run, which is slower than one without profiling. */
  readonly milliseconds: number;
  readonly parts: readonly Part[];
}

/** Labels the parts of a network for profiles. Changes the model permanently. */
export function labelParts(device: Device, { model }: Workload): void {
  const label = (module: Module & { forward(...inputs: never[]): unknown }, name: string): void => {
    const forward = module.forward.bind(module) as (...inputs: unknown[]) => unknown;
    Object.defineProperty(module, 'forward', {
      value: (...inputs: unknown[]) => device.during(name, () => forward(...inputs)),
    });
  };
  const { body, fpn } = model.backbone;
  label(body, 'stem');
  for (const stage of ['layer1', 'layer2', 'layer3', 'layer4'] as const) label(body[stage], stage);
  label(fpn, 'pyramid');
  const { classificationHead, regressionHead } = model.head;
  label(classificationHead, 'class subnet');
  label(regressionHead, 'box subnet');
  label(model.loss, 'sums of losses');
}

/** Profiles one run, and sums it by part. */
export async function measureParts(
  device: Device,
  what: PartsResult['what'],
  run: () => Promise<unknown>,
): Promise<PartsResult> {
  for (let i = 0; i < 2; i++) await run();
  let milliseconds = 0;
  const entries = await device.profile(async () => {
    const start = performance.now();
    await run();
    milliseconds = performance.now() - start;
  });
  const parts: Part[] = grouped(entries, ({ part }) => part.trim() || 'sums').map(([name, list]) => ({
    ...summed(name, list),
    kernels: grouped(list, ({ kernel }) => (kernel ?? 'host').split('.')[0]!).map(([kernel, used]) =>
      summed(kernel, used),
    ),
  }));
  const measured = parts.reduce((sum, part) => sum + part.milliseconds, 0);
  const rest = Math.max(0, milliseconds - measured);
  parts.push({ name: 'everything else', milliseconds: rest, dispatches: 0, bytes: 0, kernels: [] });
  return { what, milliseconds, parts };
}

const summed = (name: string, entries: readonly ProfileEntry[]): Omit<Part, 'kernels'> => ({
  name,
  milliseconds: entries.reduce((sum, entry) => sum + entry.milliseconds, 0),
  dispatches: entries.filter(({ kernel }) => kernel !== null).length,
  bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
});

/** Entries by key, sorted by their total time, longest first. */
function grouped(entries: readonly ProfileEntry[], keyOf: (entry: ProfileEntry) => string): [string, ProfileEntry[]][] {
  const groups = new Map<string, ProfileEntry[]>();
  for (const entry of entries) {
    const key = keyOf(entry);
    const list = groups.get(key);
    if (list === undefined) groups.set(key, [entry]);
    else list.push(entry);
  }
  const total = (list: readonly ProfileEntry[]): number => list.reduce((sum, entry) => sum + entry.milliseconds, 0);
  return [...groups].sort(([, a], [, b]) => total(b) - total(a));
}

const WIDTH = 1200;
const ROW = 26;

/** A flame chart as SVG: the run, its parts, and the kernels of each part; widths are proportional to time. */
export function flameChart({ what, milliseconds, parts }: PartsResult): string {
  const total = Math.max(
    milliseconds,
    parts.reduce((sum, part) => sum + part.milliseconds, 0),
  );
  const boxes: string[] = [];
  const box = (row: number, from: number, width: number, name: string, hue: number): void => {
    const [x, w] = [(from / total) * WIDTH, (width / total) * WIDTH];
    if (w < 0.3) return;
    const text = `${name}: ${width.toFixed(1)} ms, ${((100 * width) / total).toFixed(1)} %`;
    const label = w > 7 * 4 ? escape(name.slice(0, Math.floor(w / 7))) : '';
    boxes.push(
      `<g><title>${escape(text)}</title><rect x="${x.toFixed(1)}" y="${40 + row * ROW}" width="${w.toFixed(1)}" ` +
        `height="${ROW - 2}" fill="hsl(${hue} 60% 78%)" stroke="white"/>` +
        `<text x="${(x + 4).toFixed(1)}" y="${40 + row * ROW + 16}">${label}</text></g>`,
    );
  };
  box(0, 0, total, what, 210);
  let at = 0;
  parts.forEach((part, i) => {
    const hue = (i * 47) % 360;
    box(1, at, part.milliseconds, part.name, hue);
    let inner = at;
    for (const kernel of part.kernels) {
      box(2, inner, kernel.milliseconds, kernel.name, hue);
      inner += kernel.milliseconds;
    }
    at += part.milliseconds;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${60 + 3 * ROW}" font-family="sans-serif" font-size="12">` +
    `<rect width="100%" height="100%" fill="white"/><text x="4" y="24" font-size="15">${escape(what)}: ` +
    `${total.toFixed(0)} ms</text>${boxes.join('')}</svg>\n`
  );
}

const escape = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
