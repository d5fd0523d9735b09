// Forward and backward through an expression of the reader's, step by step, beside the library's gradients.
import { add, div, exp, grad, mul, relu, sub, tanh, tensor, type Tensor } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { controls, element, note, numbers, slider, svg, textInput } from '../ui.ts';
import { evaluate, type Algebra } from './expression.ts';
import { backward, tape, Value } from './value.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const [WIDTH, HEIGHT] = [104, 44];

const scalars = (leaves: ReadonlyMap<string, Value>): Algebra<Value> => ({
  number: (value) => new Value(value, [], String(value)),
  name: (name) => leaves.get(name),
  add: (a, b) => a.add(b),
  sub: (a, b) => a.sub(b),
  mul: (a, b) => a.mul(b),
  div: (a, b) => a.div(b),
  functions: { relu: (a) => a.relu(), exp: (a) => a.exp(), tanh: (a) => a.tanh() },
});

const tensors = (leaves: ReadonlyMap<string, Tensor>): Algebra<Tensor> => ({
  number: (value) => tensor(value),
  name: (name) => leaves.get(name),
  add,
  sub,
  mul,
  div,
  functions: { relu, exp, tanh },
});

/** The same gradients by the library, on the GPU. */
async function byTheLibrary(text: string, values: readonly number[], names: readonly string[]): Promise<number[]> {
  const leaves = new Map(NAMES.map((name, i) => [name, tensor(values[i]!, { requiresGrad: true })]));
  const gradients = grad(
    evaluate(text, tensors(leaves)),
    names.map((name) => leaves.get(name)!),
  );
  return Promise.all(gradients.map((gradient) => gradient.item()));
}

const short = (value: number): string => String(Number(value.toPrecision(4)));

/** The graph, inputs on the left. Values whose gradient has been passed on are outlined. */
function graph(root: Value, steps: number): SVGElement {
  const nodes = tape(root).reverse();
  const depth = new Map<Value, number>();
  for (const node of nodes) depth.set(node, Math.max(-1, ...node.inputs.map((input) => depth.get(input)!)) + 1);
  const lines = new Map<number, number>();
  const places = new Map<Value, { x: number; y: number }>();
  for (const node of nodes) {
    const column = depth.get(node)!;
    const line = lines.get(column) ?? 0;
    lines.set(column, line + 1);
    places.set(node, { x: 4 + column * (WIDTH + 40), y: 4 + line * (HEIGHT + 16) + column * 10 });
  }
  const width = Math.max(...[...places.values()].map(({ x }) => x)) + WIDTH + 4;
  const height = Math.max(...[...places.values()].map(({ y }) => y)) + HEIGHT + 4;
  const picture = svg('svg', {
    class: 'graph',
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': 'The graph of the expression',
  });
  // Boxes cover the lines that pass behind them.
  for (const [node, { x, y }] of places) {
    for (const input of node.inputs) {
      const from = places.get(input)!;
      const [x0, y0, y1] = [from.x + WIDTH, from.y + HEIGHT / 2, y + HEIGHT / 2];
      picture.append(svg('path', { d: `M ${x0} ${y0} C ${x0 + 20} ${y0} ${x - 20} ${y1} ${x} ${y1}` }));
    }
  }
  for (const [node, { x, y }] of places) {
    const isReached = nodes.length - 1 - nodes.indexOf(node) < steps;
    picture.append(
      svg(
        'g',
        { class: `${isReached ? 'reached' : ''} ${node.inputs.length === 0 ? 'leaf' : ''}` },
        svg('rect', { x, y, width: WIDTH, height: HEIGHT, rx: 5 }),
        svg('text', { x: x + 8, y: y + 18 }, `${node.name} = ${short(node.data)}`),
        svg('text', { x: x + 8, y: y + 36, class: 'gradient' }, steps > 0 ? `gradient ${short(node.gradient)}` : ''),
      ),
    );
  }
  return picture;
}

export const mount: Mount = async (stage) => {
  await device();
  const text = textInput('y =', 'relu(a * b + c) * a');
  const values = numbers('a, b, c, d', 4, [2, 3, -1, 1], 0.5);
  const steps = slider('Backward steps', 0, 12, 12);
  await controls(stage, [text, values, steps], async () => {
    const leaves = new Map(NAMES.map((name, i) => [name, new Value(values.value[i]!, [], name)]));
    try {
      const root = evaluate(text.value, scalars(leaves));
      backward(root, steps.value);
      const count = tape(root).length;
      const used = NAMES.filter((name) => tape(root).includes(leaves.get(name)!));
      const done = Math.min(steps.value, count);
      const library = used.length === 0 ? [] : await byTheLibrary(text.value, values.value, used);
      return [
        element('div', { class: 'scroll' }, graph(root, steps.value)),
        note(`${done} of ${count} values have passed their gradient on. `),
        note(
          `On the GPU, by the library: ${used.map((name, i) => `dy/d${name} = ${short(library[i]!)}`).join(', ') || 'no input is used'}.`,
        ),
      ];
    } catch (error) {
      return [note(error instanceof Error ? error.message : String(error))];
    }
  });
};
