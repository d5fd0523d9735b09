// The parts of which live figures are made: controls that call a drawing function, tables of coloured numbers, and line plots.
// Everything is an ordinary element of the page, so that keys, labels and printing work as everywhere.

type Child = Node | string;

/** An element with attributes and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string | number | boolean>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  setAttributes(made, attributes);
  made.append(...children);
  return made;
}

/** The same for SVG. */
export function svg(
  name: string,
  attributes: Readonly<Record<string, string | number | boolean>> = {},
  ...children: readonly Child[]
): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  setAttributes(made, attributes);
  made.append(...children);
  return made;
}

function setAttributes(target: Element, attributes: Readonly<Record<string, string | number | boolean>>): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false) target.setAttribute(key, value === true ? '' : String(value));
  }
}

let ids = 0;

/** Something with a value that a reader changes. */
export interface Control<T> {
  readonly element: HTMLElement;
  get value(): T;
  /** Changes it without telling. */
  set value(value: T);
  /** Set by `controls`. */
  onChange: () => void;
}

/** A range with its value beside it. */
export function slider(
  label: string,
  min: number,
  max: number,
  start: number,
  step = 1,
  show: (value: number) => string = String,
): Control<number> {
  const id = `control-${ids++}`;
  const input = element('input', { id, type: 'range', min, max, step, value: start });
  const output = element('output', { for: id }, show(start));
  const control: Control<number> = {
    element: element('div', { class: 'control' }, element('label', { for: id }, label), input, output),
    get value() {
      return Number(input.value);
    },
    set value(value) {
      input.value = String(value);
      output.value = show(value);
    },
    onChange: () => {},
  };
  input.addEventListener('input', () => {
    output.value = show(control.value);
    control.onChange();
  });
  return control;
}

/** One of several values. */
export function choice<T>(
  label: string,
  options: readonly (readonly [name: string, value: T])[],
  start = 0,
): Control<T> {
  const id = `control-${ids++}`;
  const select = element('select', { id }, ...options.map(([name]) => element('option', {}, name)));
  select.selectedIndex = start;
  const control: Control<T> = {
    element: element('div', { class: 'control' }, element('label', { for: id }, label), select),
    get value() {
      return options[select.selectedIndex]![1];
    },
    set value(value) {
      select.selectedIndex = options.findIndex(([, other]) => other === value);
    },
    onChange: () => {},
  };
  select.addEventListener('change', () => control.onChange());
  return control;
}

/** A box to tick. */
export function toggle(label: string, start = false): Control<boolean> {
  const id = `control-${ids++}`;
  const input = element('input', { id, type: 'checkbox', checked: start });
  const control: Control<boolean> = {
    element: element('div', { class: 'control' }, input, element('label', { for: id }, label)),
    get value() {
      return input.checked;
    },
    set value(value) {
      input.checked = value;
    },
    onChange: () => {},
  };
  input.addEventListener('change', () => control.onChange());
  return control;
}

/** A line of text. */
export function textInput(label: string, start: string): Control<string> {
  const id = `control-${ids++}`;
  const input = element('input', { id, type: 'text', value: start, spellcheck: 'false', autocomplete: 'off' });
  const control: Control<string> = {
    element: element('div', { class: 'control wide' }, element('label', { for: id }, label), input),
    get value() {
      return input.value;
    },
    set value(value) {
      input.value = value;
    },
    onChange: () => {},
  };
  input.addEventListener('input', () => control.onChange());
  return control;
}

/** Editable numbers in rows, row-major. What is not a number counts as 0. */
export function numbers(label: string, columns: number, start: readonly number[], step = 1): Control<number[]> {
  const inputs = start.map((value, i) =>
    element('input', {
      type: 'number',
      step,
      value,
      'aria-label': `${label}, row ${Math.floor(i / columns) + 1}, column ${(i % columns) + 1}`,
    }),
  );
  const cells = element(
    'div',
    { class: 'numbers', style: `grid-template-columns: repeat(${columns}, auto)` },
    ...inputs,
  );
  const control: Control<number[]> = {
    element: element(
      'div',
      { class: 'control', role: 'group', 'aria-label': label },
      element('span', {}, label),
      cells,
    ),
    get value() {
      return inputs.map((input) => Number(input.value) || 0);
    },
    set value(values) {
      for (const [i, input] of inputs.entries()) input.value = String(values[i]);
    },
    onChange: () => {},
  };
  for (const input of inputs) input.addEventListener('input', () => control.onChange());
  return control;
}

/** A button that draws again after `act`. */
export function button(label: string, act: () => void): Control<null> {
  const made = element('button', { type: 'button' }, label);
  const control: Control<null> = {
    element: element('div', { class: 'control' }, made),
    value: null,
    onChange: () => {},
  };
  made.addEventListener('click', () => {
    act();
    control.onChange();
  });
  return control;
}

/**
 * Puts controls and a view below them into a stage, and draws now and after each change. While `draw` runs, the view is
 * busy (`aria-busy`) and further changes wait; only the last is drawn. A part of the view that has the focus passes it to the
 * part of the next drawing that has the same `data-key`, or else to the view, so that no drawing takes a reader's place.
 *
 * @param draw returns what the view shows
 */
export async function controls(
  stage: HTMLElement,
  parts: readonly Pick<Control<unknown>, 'element' | 'onChange'>[],
  draw: () => Promise<readonly Child[]> | readonly Child[],
): Promise<void> {
  // It may scroll sideways, by keys too.
  const view = element('div', { class: 'view', tabindex: 0, role: 'group', 'aria-label': 'Result' });
  let isRunning = false;
  let isStale = false;
  const show = (...parts: readonly Child[]): void => {
    const focused = view.querySelector<HTMLElement | SVGElement>(':focus');
    view.replaceChildren(...parts);
    if (focused === null) return;
    const key = focused.dataset['key'];
    const next = [...view.querySelectorAll<HTMLElement | SVGElement>('[data-key]')].find(
      ({ dataset }) => dataset['key'] === key,
    );
    (next ?? view).focus({ preventScroll: true });
  };
  const redraw = async (): Promise<void> => {
    isStale = true;
    if (isRunning) return;
    isRunning = true;
    view.setAttribute('aria-busy', 'true');
    try {
      while (isStale) {
        isStale = false;
        show(...(await draw()));
      }
    } finally {
      isRunning = false;
      view.removeAttribute('aria-busy');
    }
  };
  for (const part of parts) {
    part.onChange = () => {
      redraw().catch((error: unknown) => show(note(error instanceof Error ? error.message : String(error))));
    };
  }
  stage.append(element('div', { class: 'controls' }, ...parts.map((part) => part.element)), view);
  await redraw();
}

/** A sentence below a figure's parts. */
export const note = (...text: readonly Child[]): HTMLElement => element('p', { class: 'reading' }, ...text);

/** Parts side by side, as far as there is space. */
export const row = (...parts: readonly Child[]): HTMLElement => element('div', { class: 'row' }, ...parts);

/** A table of texts. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): HTMLElement {
  const line = (cell: 'th' | 'td', texts: readonly string[]): HTMLElement =>
    element('tr', {}, ...texts.map((text) => element(text === '' ? 'td' : cell, {}, text)));
  const body = element('tbody', {}, ...rows.map((texts) => line('td', texts)));
  return element('div', { class: 'scroll' }, element('table', {}, element('thead', {}, line('th', head)), body));
}

export interface HeatmapOptions {
  /** Digits after the point; without it cells are small and have no text. */
  readonly digits?: number;
  /** Value of the strongest colour. Default: the largest magnitude. */
  readonly scale?: number;
  /** Cells with an outline. */
  readonly mark?: (row: number, column: number) => boolean;
  /** Cells without a value, drawn empty. */
  readonly skip?: (row: number, column: number) => boolean;
}

/** A matrix as coloured cells under a title: positive values in the accent colour, negative ones in its opposite. */
export function heatmap(
  title: string,
  columns: number,
  values: ArrayLike<number>,
  { digits, scale, mark = () => false, skip = () => false }: HeatmapOptions = {},
): HTMLElement {
  const most = scale ?? (Math.max(...Array.from(values, Math.abs).filter(Number.isFinite)) || 1);
  const cell = (value: number, r: number, c: number): HTMLElement => {
    if (skip(r, c)) return element('td', { class: 'none' });
    const strength = Math.round(Math.min(1, Math.abs(value) / most) * 70);
    const style = `--strength: ${strength}%`;
    const name = `${value < 0 ? 'negative' : 'positive'}${mark(r, c) ? ' marked' : ''}`;
    return element('td', { style, class: name }, digits === undefined ? '' : value.toFixed(digits));
  };
  const rows = Array.from({ length: Math.ceil(values.length / columns) }, (_, r) =>
    element(
      'tr',
      {},
      ...Array.from(values)
        .slice(r * columns, (r + 1) * columns)
        .map((value, c) => cell(value, r, c)),
    ),
  );
  const body = element('tbody', {}, ...rows);
  const size = digits === undefined ? 'heatmap small' : 'heatmap';
  return element('table', { class: size }, element('caption', {}, title), body);
}

/** One line of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Draws points instead of a line. */
  readonly dots?: boolean;
  /** A pale line without a colour or a place in the legend. */
  readonly quiet?: boolean;
}

export interface PlotOptions {
  readonly x: string;
  readonly y: string;
  /** Of powers of ten. Values of 0 or less are left out. */
  readonly logY?: boolean;
  readonly rangeX?: readonly [number, number];
  readonly rangeY?: readonly [number, number];
}

const WIDTH = 560;
const HEIGHT = 260;
const EDGE = { left: 56, right: 12, top: 26, bottom: 40 };

/** About five round numbers in a range. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!;
  const count = Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1;
  return Array.from({ length: count }, (_, i) => Number(((Math.ceil(low / step - 1e-9) + i) * step).toPrecision(12)));
}

const extent = (values: readonly number[]): readonly [number, number] => [Math.min(...values), Math.max(...values)];

/** A line plot with axes and, for several lines, a legend. */
export function plot(lines: readonly Series[], { x, y, logY = false, rangeX, rangeY }: PlotOptions): HTMLElement {
  const high = (value: number): number => (logY ? Math.log10(value) : value);
  const kept = lines.map((line) => ({
    ...line,
    points: line.points.filter(([px, py]) => Number.isFinite(px) && Number.isFinite(high(py))),
  }));
  const all = kept.flatMap((line) => line.points);
  const [left, right] = rangeX ?? extent(all.map(([px]) => px));
  const [low, top] = rangeY?.map(high) ?? extent(all.map(([, py]) => high(py)));
  const atX = (value: number): number =>
    EDGE.left + ((value - left) / (right - left || 1)) * (WIDTH - EDGE.left - EDGE.right);
  const atY = (value: number): number =>
    HEIGHT - EDGE.bottom - ((value - low!) / (top! - low! || 1)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `${y} over ${x}` });
  for (const tick of ticks(left, right)) {
    picture.append(svg('text', { x: atX(tick), y: HEIGHT - 22, 'text-anchor': 'middle' }, String(tick)));
  }
  for (const tick of ticks(low!, top!)) {
    const text = logY ? `1e${tick}` : String(tick);
    picture.append(
      svg('line', { class: 'grid', x1: EDGE.left, x2: WIDTH - EDGE.right, y1: atY(tick), y2: atY(tick) }),
      svg('text', { x: EDGE.left - 6, y: atY(tick) + 4, 'text-anchor': 'end' }, text),
    );
  }
  picture.append(
    svg('text', { x: (WIDTH + EDGE.left) / 2, y: HEIGHT - 4, 'text-anchor': 'middle' }, x),
    svg('text', { x: EDGE.left, y: 12 }, y),
  );
  // Lines that leave the axes are cut off.
  const [insideX, insideY] = [WIDTH - EDGE.left - EDGE.right, HEIGHT - EDGE.top - EDGE.bottom];
  const box = { x: EDGE.left, y: EDGE.top, width: insideX, height: insideY };
  const frame = svg('svg', { ...box, viewBox: Object.values(box).join(' ') });
  picture.append(frame);
  for (const { points } of kept.filter(({ quiet }) => quiet)) {
    const places = points.map(([px, py]) => `${atX(px).toFixed(1)},${atY(high(py)).toFixed(1)}`);
    frame.append(svg('polyline', { class: 'quiet', points: places.join(' ') }));
  }
  const loud = kept.filter(({ quiet }) => !quiet);
  for (const [i, { points, dots }] of loud.entries()) {
    const places = points.map(([px, py]) => [atX(px).toFixed(1), atY(high(py)).toFixed(1)] as const);
    const name = `series series-${i + 1}`;
    if (dots) for (const [cx, cy] of places) frame.append(svg('circle', { class: name, cx, cy, r: 3 }));
    else frame.append(svg('polyline', { class: name, points: places.map((place) => place.join(',')).join(' ') }));
  }
  const legend = loud.map(({ name }, i) => element('li', { class: `series-${i + 1}` }, name));
  return element('div', { class: 'plot' }, picture, ...(loud.length > 1 ? [element('ul', {}, ...legend)] : []));
}
