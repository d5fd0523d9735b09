// Runs examples/hello-tensor/hello.ts as it is, when asked to, and shows what it prints.
import type { Mount } from '../figure.ts';

export const mount: Mount = async (stage) => {
  const run = document.createElement('button');
  run.textContent = 'Run it';
  const out = document.createElement('pre');
  out.tabIndex = 0;
  out.setAttribute('aria-label', 'What the example prints');
  out.hidden = true;
  stage.append(run, out);
  run.addEventListener('click', () => {
    run.disabled = true;
    out.hidden = false;
    void listen(out).catch((error: unknown) => out.append(String(error)));
  });
};

/** Runs the example, which prints to the console; meanwhile the page shows that. */
async function listen(out: HTMLElement): Promise<void> {
  const { log } = console;
  console.log = (...words: unknown[]) => out.append(`${words.join(' ')}\n`);
  try {
    await import(new URL('examples/hello.js', import.meta.url).href);
  } finally {
    console.log = log;
  }
}
