// The examples of the reference: gives each its buttons. A program runs in a worker of its own, so that an endless loop or a lost
// device ends with it; what it prints is shown below it.
import type { Editor } from './editor/editor.ts';
import { reasonOf } from './format.ts';

/** Milliseconds after which a program is stopped. */
const LIMIT = 60_000;

/** What the worker of a program says. */
export type Message = { readonly printed: string } | 'done';

const assets = (file: string): string => new URL(file, import.meta.url).href;

/** A program as the text of a worker: it imports from the site's own files. Lines keep their numbers. */
function workerText(program: string): string {
  const library = assets('library.js');
  const own = program.replaceAll(/(\bfrom\s+|\bimport\s*)(['"])retinagrad\2/g, `$1'${library}'`);
  return `import '${assets('example-worker.js')}'; ${own}\npostMessage('done');`;
}

/** Runs a program to its end, and passes on what it prints. */
async function run(program: string, print: (text: string) => void): Promise<void> {
  const url = URL.createObjectURL(new Blob([workerText(program)], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module' });
  let timer = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = window.setTimeout(() => reject(new Error(`stopped after ${LIMIT / 1000} seconds`)), LIMIT);
      worker.addEventListener('message', ({ data }: MessageEvent<Message>) => {
        if (data === 'done') resolve();
        else print(data.printed);
      });
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        const place = event.filename === url && event.lineno > 0 ? `line ${event.lineno}: ` : '';
        reject(new Error(`${place}${event.message.replace(/^Uncaught /, '')}`));
      });
    });
  } finally {
    clearTimeout(timer);
    worker.terminate();
    URL.revokeObjectURL(url);
  }
}

const button = (text: string): HTMLButtonElement => {
  const made = document.createElement('button');
  made.textContent = text;
  return made;
};

/** The element that shows what the program of a block prints. */
function outputAfter(block: HTMLElement): {
  readonly clear: () => void;
  readonly say: (text: string, isWrong: boolean) => void;
} {
  const shown = document.createElement('pre');
  shown.className = 'printed';
  shown.tabIndex = 0;
  shown.setAttribute('role', 'status');
  shown.setAttribute('aria-label', 'What the program prints');
  shown.hidden = true;
  block.append(shown);
  return {
    clear: () => shown.replaceChildren(),
    say(text, isWrong) {
      const line = document.createElement('span');
      line.className = isWrong ? 'bad' : '';
      line.textContent = `${text}\n`;
      shown.append(line);
      shown.hidden = false;
    },
  };
}

function equip(block: HTMLElement): void {
  const pre = block.querySelector('pre')!;
  const original = pre.textContent!;
  /** While the program is edited. */
  let open: { readonly editor: Editor; readonly place: HTMLElement } | null = null;
  const tools = document.createElement('div');
  tools.className = 'tools';
  const [start, edit] = [button('Run'), button('Edit')];
  tools.append(start, edit);
  block.append(tools);
  const { clear, say } = outputAfter(block);
  const press = (): void => {
    if (start.disabled) return;
    start.disabled = true;
    start.textContent = 'Running …';
    clear();
    void run(open?.editor.text ?? original, (text) => say(text, false))
      .catch((error: unknown) => say(reasonOf(error), true))
      .finally(() => {
        start.disabled = false;
        start.textContent = 'Run';
      });
  };
  start.addEventListener('click', press);
  edit.addEventListener('click', () => {
    if (open !== null) {
      open.editor.close();
      open.place.remove();
      open = null;
      pre.hidden = false;
      edit.textContent = 'Edit';
      return;
    }
    edit.disabled = true;
    void Promise.all([import('./editor/editor.ts'), import('./editor/javascript.ts')])
      .then(([{ openEditor }, { javascript }]) => {
        const place = document.createElement('div');
        tools.before(place);
        const label = 'The example';
        open = { place, editor: openEditor(place, original.trimEnd(), javascript(), label, press) };
        pre.hidden = true;
        edit.textContent = 'Discard changes';
        open.editor.focus();
      })
      .catch((error: unknown) => say(reasonOf(error), true))
      .finally(() => (edit.disabled = false));
  });
}

if ('gpu' in navigator) for (const block of document.querySelectorAll<HTMLElement>('.example')) equip(block);
