// Runs examples/hello-tensor/hello.ts as it is, and shows what it prints.
import type { Mount } from '../figure.ts';

export const mount: Mount = async (stage) => {
  const out = document.createElement('pre');
  out.tabIndex = 0;
  out.setAttribute('aria-label', 'What the example prints');
  stage.append(out);
  const { log } = console;
  // The example prints to the console; while it runs, the page listens.
  console.log = (...words: unknown[]) => out.append(`${words.join(' ')}\n`);
  try {
    await import(new URL('examples/hello.js', import.meta.url).href);
  } finally {
    console.log = log;
  }
};
