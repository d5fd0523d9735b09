// The page of the kernel ladder, from bench/ladder: its README, its kernels, and the results of `retinagrad bench ladder`.
import { readFileSync, readdirSync } from 'node:fs';

const root = new URL('../', import.meta.url);
const read = (path) => readFileSync(new URL(path, root), 'utf8');

const LADDERS = {
  matmul: 'The product of two matrices',
  conv: 'A 3x3 convolution',
  grad: 'The gradient of its filter',
};

/** The first comment of a kernel, which explains it, and the rest. */
function divided(code) {
  const comment = /^(?:\/\/.*\n)+/.exec(code)[0];
  const [formula, cost] = comment.replaceAll(/^\/\/ ?/gm, '').split(/^Cost: /m);
  return { formula, cost, rest: code.slice(comment.length).trim() };
}

/** The ladders with their steps: what they are called, their kernels, and what they reached. */
function laddersOf() {
  const files = readdirSync(new URL('bench/ladder/', root)).filter((file) => file.endsWith('.wgsl'));
  const runs = readdirSync(new URL('bench/results/', root))
    .filter((file) => file.endsWith('-ladder.json'))
    .map((file) => JSON.parse(read(`bench/results/${file}`)));
  const steps = runs[0].cases.map(({ name, figures }) => {
    const [title, task] = name.split(': ');
    const [ladder, number] = title.split(' ');
    const measured = runs.map(({ adapter, cases }) => {
      const found = cases.find((other) => other.name === name);
      return { adapter: adapter.name.split(/[ :]/)[0], rate: found.rate.value, speedup: found.figures.speedup };
    });
    const kernels = files.filter((file) => file.startsWith(`${ladder}_${number}_`));
    return { title, ladder, number, task, measured, modelled: figures.modelled, kernels };
  });
  return Object.entries(LADDERS).map(([ladder, title]) => ({
    ladder,
    title,
    steps: steps.filter((step) => step.ladder === ladder),
  }));
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const sentence = (text) => `<p>${escaped(text.trim()).replaceAll('\n', ' ')}</p>`;

export function ladder(site, { highlight }) {
  const kernel = (file) => {
    const { formula, cost, rest } = divided(read(`bench/ladder/${file}`));
    return (
      `${sentence(formula)}${cost === undefined ? '' : sentence(`Cost: ${cost}`)}` +
      `<figure class="source" data-file="${file}"><figcaption>bench/ladder/${file}</figcaption>${highlight(rest, 'wgsl')}</figure>`
    );
  };
  const step = ({ title, number, kernels, measured, modelled }) => {
    const figures = [
      ...measured.map(({ adapter, rate, speedup }) => `${adapter} ${rate.toFixed(2)} GFLOP/s (${speedup.toFixed(1)}x)`),
      ...(modelled === undefined ? [] : [`modelled for a GPU: ${(100 * modelled).toFixed(0)} % of its peak`]),
    ].join(' · ');
    const text =
      kernels.length === 0
        ? `<p>What the library runs for this task, chosen for the adapter: <a href="/guides/architecture/">the architecture</a> follows it.</p>`
        : kernels.map(kernel).join('');
    return (
      `<section class="step" data-step="${title}"><h3 id="${title.toLowerCase().replaceAll(' ', '-')}">` +
      `${number}. ${title.split(' ').slice(2).join(' ')}</h3><p class="small muted">${figures}</p>${text}</section>`
    );
  };
  const all = laddersOf();
  site.addGlobalData('ladderSteps', all.flatMap(({ steps }) => steps).length);
  site.addShortcode('ladder', () =>
    all
      .map(
        ({ ladder: name, title, steps }) =>
          `<h2 id="${name}">${title}</h2><p class="small muted">${steps[0].task}</p>${steps.map(step).join('')}`,
      )
      .join('')
      .replaceAll('\n', '&#10;'),
  );
  // {% readme %}: the README of the ladder in two halves, before and after its table.
  const [before, after] = read('bench/ladder/README.md').split(/<!-- bench:begin[\s\S]*bench:end ladder -->/);
  const mended = (text) => text.replaceAll('../../docs/performance.md', '/guides/performance/').trim();
  site.addShortcode('ladderIntroduction', () => mended(before.slice(before.indexOf('\n'))));
  site.addShortcode('ladderNotes', () => mended(after));
}
