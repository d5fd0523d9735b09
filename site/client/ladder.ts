// The kernel ladder: gives each step of the page its buttons. What they need is loaded when one is pressed.
import type { Measured } from 'retinagrad/bench';
import { figure, rateOf, reasonOf, timeOf } from './format.ts';
import type { Editor } from './editor/editor.ts';
import type { Edits, Problem, Runner } from './ladder/runner.ts';

const machine = document.querySelector<HTMLElement>('#machine')!;
/** One step at a time: others would disturb its time. */
let queue: Promise<unknown> = Promise.resolve();
const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
  const done = queue.then(work);
  queue = done.catch(() => {});
  return done;
};

async function openRunner(): Promise<Runner> {
  const { openRunner: open } = await import('./ladder/runner.ts');
  const runner = await open();
  machine.textContent =
    `${runner.adapter}: at most ${figure(runner.ceiling.gflops)} GFLOP/s of multiply-adds and ` +
    `${figure(runner.ceiling.gbps)} GB/s of a copy.`;
  return runner;
}

/** The text of a kernel: its file, with the comment that the page shows as text. */
async function textOf(file: string): Promise<string> {
  const response = await fetch(new URL(`../ladder/${file}`, import.meta.url));
  if (!response.ok) throw new Error(`${file} could not be loaded: status ${response.status}`);
  return response.text();
}

const button = (text: string, onClick: () => void): HTMLButtonElement => {
  const made = document.createElement('button');
  made.textContent = text;
  made.addEventListener('click', onClick);
  return made;
};

const line = ({ timing, rate, figures, wrong, ...rest }: Measured, what: string): string =>
  `${what} ${rateOf({ timing, ...(rate === undefined ? {} : { rate }), ...rest })}, ${timeOf(timing)}, ` +
  `${figure(figures!['speedup']!)}x the first step, ${(100 * rate!.share).toFixed(0)} % of the maximum` +
  (typeof wrong === 'string' ? `. WRONG: ${wrong}` : '; correct');

/** Buttons, result and editors of a step. */
function equip(step: HTMLElement): void {
  const name = step.dataset['step']!;
  const files = [...step.querySelectorAll<HTMLElement>('figure[data-file]')];
  const editors = new Map<string, Editor>();
  const tools = document.createElement('div');
  tools.className = 'tools';
  const result = document.createElement('output');
  const problems = document.createElement('ul');
  problems.className = 'problems';
  problems.hidden = true;
  const say = (text: string, isWrong: boolean): void => {
    result.textContent = text;
    result.className = isWrong ? 'bad' : '';
  };
  const show = (found: readonly (Problem & { readonly file: string })[]): void => {
    for (const [file, editor] of editors) editor.mark(found.filter((problem) => problem.file === file));
    problems.hidden = found.length === 0;
    problems.replaceChildren(
      ...found.map(({ file, line: at, column, message }) => {
        const item = document.createElement('li');
        item.textContent = `${file}:${at}:${column} ${message}`;
        return item;
      }),
    );
  };
  const edits = (): Edits => Object.fromEntries([...editors].map(([file, { text }]) => [file, text]));
  const measure = async (): Promise<void> => {
    say('Measuring …', false);
    const runner = await openRunner();
    if (!runner.names.has(name))
      return say('This step needs subgroups of 4 or 8 lanes, which this GPU does not have.', false);
    const found = [];
    for (const [file, code] of Object.entries(edits())) {
      for (const problem of await runner.compile(code)) found.push({ file, ...problem });
    }
    show(found);
    if (found.length > 0) return say('It does not compile.', true);
    const reference = await runner.measure(name);
    if (editors.size === 0) return say(line(reference, ''), typeof reference.wrong === 'string');
    const mine = await runner.measure(name, edits());
    say(`${line(mine, 'Yours:')}. The step as it was: ${rateOf(reference)}.`, typeof mine.wrong === 'string');
  };
  const press = (): void => {
    run.disabled = true;
    void inTurn(measure)
      .catch((error: unknown) => say(reasonOf(error), true))
      .finally(() => (run.disabled = false));
  };
  const run = button('Measure', press);
  run.setAttribute('aria-label', `Measure ${name}`);
  tools.append(run);
  for (const block of files) tools.append(editButton(block, files.length > 1, editors, press, say));
  tools.append(result);
  step.append(tools, problems);
}

/** Opens the kernel of a block in an editor in its place, and puts the block back. */
function editButton(
  block: HTMLElement,
  isOneOfMany: boolean,
  editors: Map<string, Editor>,
  run: () => void,
  say: (text: string, isWrong: boolean) => void,
): HTMLButtonElement {
  const file = block.dataset['file']!;
  const pre = block.querySelector('pre')!;
  const label = isOneOfMany ? ` ${file}` : '';
  const toggle = button(`Edit${label}`, () => {
    const open = editors.get(file);
    if (open !== undefined) {
      open.close();
      editors.delete(file);
      pre.hidden = false;
      toggle.textContent = `Edit${label}`;
      return;
    }
    toggle.disabled = true;
    void Promise.all([import('./editor/editor.ts'), import('./editor/wgsl.ts'), textOf(file)])
      .then(([{ openEditor }, { wgsl }, text]) => {
        pre.hidden = true;
        const editor = openEditor(block, text, wgsl, file, run);
        editors.set(file, editor);
        toggle.textContent = `Discard changes${label}`;
        editor.focus();
      })
      .catch((error: unknown) => say(reasonOf(error), true))
      .finally(() => (toggle.disabled = false));
  });
  if (!isOneOfMany) toggle.setAttribute('aria-label', `Edit ${file}`);
  return toggle;
}

if ('gpu' in navigator) {
  machine.textContent = 'The first measurement also measures what this GPU can do at most.';
  for (const step of document.querySelectorAll<HTMLElement>('[data-step]')) equip(step);
} else
  machine.textContent =
    'This browser offers no WebGPU, so that kernels cannot run here. Current Chrome, Edge, Safari and Firefox have it.';
