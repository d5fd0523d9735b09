// One line of WGSL by the reader, run once for each of 97 values.
import type { Mount } from '../figure.ts';
import { runKernel } from '../gpu.ts';
import { choice, controls, note, plot, textInput } from '../ui.ts';

const xs = Float32Array.from({ length: 97 }, (_, i) => (i - 48) / 16);

/** The kernel of a page: y[i] = f(x[i]). */
export const kernelOf = (expression: string): string => `
@group(0) @binding(0) var<storage, read> xs: array<f32>;
@group(0) @binding(1) var<storage, read_write> ys: array<f32>;
fn f(x: f32) -> f32 {
return ${expression};
}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= arrayLength(&xs)) { return; }
  ys[i] = f(xs[i]);
}`;

const EXAMPLES = [
  ['relu', 'max(x, 0.0)'],
  ['sigmoid', '1.0 / (1.0 + exp(-x))'],
  ['square', 'x * x'],
  ['silu', 'x / (1.0 + exp(-x))'],
  ['a wave', 'sin(3.0 * x) * exp(-x * x / 4.0)'],
] as const;

export const mount: Mount = async (stage) => {
  const example = choice('Example', EXAMPLES);
  const formula = textInput('f(x) =', EXAMPLES[0][1]);
  const redraw = async (): Promise<HTMLElement[]> => {
    try {
      const ys = await runKernel({ code: kernelOf(formula.value), inputs: [xs], size: xs.length, groups: [2] });
      const points = Array.from(xs, (x, i) => [x, ys[i]!] as const);
      const zero = ys[48]!;
      return [
        plot([{ name: 'f', points }], { x: 'x', y: 'f(x)' }),
        note(`97 threads computed f(-3) to f(3); f(0) = ${zero}.`),
      ];
    } catch (error) {
      return [note(`The compiler refuses it. ${error instanceof Error ? error.message : String(error)}`)];
    }
  };
  let shown = example.value;
  await controls(stage, [example, formula], () => {
    if (example.value !== shown) formula.value = shown = example.value;
    return redraw();
  });
};
