import type { DType } from './dtype.ts';
import type { Shape } from './shape.ts';

// Values as text, by the rules of PyTorch: nested brackets, columns of one width, four decimal places, scientific notation
// where the magnitudes differ too much, and only the edges of large tensors.

/** Tensors with more elements are summarised. */
const SUMMARISED = 1000;
/** Elements that a summary shows at each end of an axis. */
const EDGE = 3;
const LINE_WIDTH = 80;

/** Positions along an axis that are shown; null stands for those between that are not. */
function shown(extent: number, isSummary: boolean): (number | null)[] {
  const all = [...Array(isSummary ? Math.min(extent, 2 * EDGE) : extent).keys()];
  if (!isSummary || extent <= 2 * EDGE) return all;
  return [...all.slice(0, EDGE), null, ...all.slice(0, EDGE).map((i) => extent - EDGE + i)];
}

/** The elements that `formatValues` shows, in row-major order. */
export function shownElements(values: ArrayLike<number>, shape: Shape): number[] {
  if (values.length <= SUMMARISED) return Array.from(values);
  let offsets = [0];
  for (const extent of shape) {
    const positions = shown(extent, true).filter((at) => at !== null);
    offsets = offsets.flatMap((offset) => positions.map((at) => offset * extent + at));
  }
  return offsets.map((offset) => values[offset]!);
}

/** The values of a tensor of `shape`, of which `elements` are those that `shownElements` chose. */
export function formatValues(elements: readonly number[], shape: Shape, dtype: DType): string {
  const texts = formatElements(elements, dtype);
  const width = texts.reduce((most, text) => Math.max(most, text.length), 0);
  const isSummary = shape.reduce((size, extent) => size * extent, 1) > SUMMARISED;
  let next = 0;
  const nested = (axis: number): string => {
    const extent = shape[axis];
    if (extent === undefined) return texts[next++]!.padStart(width);
    const items = shown(extent, isSummary).map((at) => (at === null ? '...' : nested(axis + 1)));
    const indent = ' '.repeat(axis + 1);
    if (axis < shape.length - 1) return `[${items.join(`,${'\n'.repeat(shape.length - 1 - axis)}${indent}`)}]`;
    const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent.length) / (width + 2)));
    const lines = [];
    for (let i = 0; i < items.length; i += perLine) lines.push(items.slice(i, i + perLine).join(', '));
    return `[${lines.join(`,\n${indent}`)}]`;
  };
  return nested(0);
}

function formatElements(elements: readonly number[], dtype: DType): string[] {
  if (dtype === 'bool') return elements.map((value) => String(value !== 0));
  if (dtype !== 'float32') return elements.map(String);
  const sizes = elements.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  const largest = Math.max(...sizes);
  const smallest = Math.min(...sizes);
  const isWhole = sizes.every((size) => Number.isInteger(size));
  const isScientific =
    sizes.length > 0 && (largest / smallest > 1000 || largest > 1e8 || (!isWhole && smallest < 1e-4));
  return elements.map((value) => {
    if (Number.isNaN(value)) return 'nan';
    if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
    const sign = Object.is(value, -0) ? '-' : '';
    if (isScientific) return sign + value.toExponential(4).replace(/e([+-])(\d)$/, 'e$10$2');
    return sign + (isWhole ? `${value.toFixed(0)}.` : value.toFixed(4));
  });
}
