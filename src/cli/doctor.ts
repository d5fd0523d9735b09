import { labelFormats } from '../data-node.ts';
import {
  examinationText,
  examineData,
  resolveLayers,
  settingsSchema,
  splitOverrides,
  writeExamination,
  type DataExamination,
  type Examination,
} from '../detector-node.ts';
import { init } from '../node.ts';
import { defineCommand, EXIT, quoted, type Call } from './command.ts';
import type { HelpText } from './help.ts';
import { flag, gpuOptions, initOptions, oneOf, option, text, type OptionTable } from './options.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const OPTIONS = {
  'suggest-anchors': flag('prints anchor sizes and ratios fitted to the boxes, which model.anchors=auto uses'),
  images: option(text, { value: 'FOLDER', about: 'folder of the images', otherwise: 'found near the labels' }),
  format: option(oneOf(labelFormats), {
    value: 'NAME',
    about: 'format of the labels, as for retinagrad convert',
    otherwise: 'detected',
  }),
  validation: option(text, { value: 'DATA', about: 'separate data set to evaluate on', otherwise: 'a part of DATA' }),
  measure: flag('estimates time and memory from real training steps on this adapter'),
  'no-pixels': flag('does not decode the images: faster, but finds less'),
  out: option(text, {
    value: 'FOLDER',
    about: 'folder for examination.json and pictures of boxes and anchors',
    default: 'doctor',
  }),
  ...gpuOptions,
} as const satisfies OptionTable;

const help: HelpText = {
  usage: `
retinagrad doctor DATA [SETTING=VALUE...] [--images FOLDER] [--validation DATA] [--measure] [--out FOLDER]`,
  about: `
DATA is a folder of images with labels, or a label file, in any format that retinagrad convert reads. Settings are those of
retinagrad train; model.network, model.imageSize, train.batchSize and others change what is checked.

Looks for missing, damaged, rotated and duplicate images; boxes that are outside the image, empty, duplicate, swapped or
normalised; labels in other map coordinates than the images; class names that differ only in case; the same ground on both
sides of the split (the data set's own, if it has one); and boxes that no anchor matches (red in the pictures). Then recommends
an image size, tiles, a batch size and a learning rate for the data, with reasons.`,
  exit: {
    0: 'no errors (there may be warnings)',
    [EXIT.failed]: 'the data could not be checked',
    [EXIT.found]: 'errors in the data',
  },
  examples: [
    ['npx retinagrad doctor tiles'],
    ['npx retinagrad doctor tiles model.network=tiny', 'for training without a GPU'],
    ['npx retinagrad doctor boxes.csv --images photos --suggest-anchors --measure'],
    ['npx retinagrad doctor train --validation test model.imageSize=800'],
  ],
};

export const doctor = defineCommand('doctor', {
  help,
  output: 'all findings',
  options: OPTIONS,
  run: runDoctor,
});

async function runDoctor({ options, positionals, terminal }: Call<typeof OPTIONS>): Promise<number> {
  const { overrides, others } = splitOverrides(positionals);
  const [path, ...more] = others;
  if (path === undefined || more.length > 0) throw new UsageError(`expected one data set, got ${others.length}`);
  if (overrides.has('data.path')) throw new UsageError(`the data set is named twice: ${path}, data.path`);
  // Options that stand for a setting.
  for (const name of ['images', 'format', 'validation'] as const) {
    const value = options[name];
    if (value !== undefined) overrides.set(`data.${name}`, value);
  }
  // The anchors that training would have without looking at the data: those that the examination is about.
  const anchors = [
    ['model.anchors', 'octaves'],
    ['data.path', path],
  ] as const;
  const layers = [{ from: 'command line', values: new Map<string, unknown>([...anchors, ...overrides]) }];
  const asked = resolveLayers(settingsSchema, layers);
  const device = options.measure ? await init(initOptions(options)) : null;
  const found = await examineData(asked, {
    device,
    pixels: !options['no-pixels'],
    onProgress: (done, total) => terminal.progress('reading images', done, total),
  });
  const { examination } = found;
  terminal.print(examinationText(examination).trimEnd());
  if (options['suggest-anchors']) printAnchors(examination, terminal);
  if (examination.recommendations.length > 0 && examination.worst !== 'error') {
    printCommand(path, found, overrides, terminal);
    if (device === null && asked.model.network === 'auto') {
      terminal.print('Without a GPU, ask again with model.network=tiny: train takes that network there.');
    }
  }
  const written = await writeExamination(examination, options.out);
  terminal.print(
    `\n${written.length === 1 ? written[0] : `${written.at(-1)}: boxes that an anchor matches, and those that none matches`}`,
  );
  terminal.result(examination);
  device?.destroy();
  return examination.worst === 'error' ? EXIT.found : EXIT.done;
}

function printAnchors({ suggestion }: Examination, terminal: Terminal): void {
  if (suggestion === null) return;
  terminal.print('\nAnchors that fit these boxes best, in pixels of the network (model.anchors=auto uses them):');
  suggestion.sizes.forEach((sizes, level) =>
    terminal.print(`  P${level + 3}: ${sizes.map((size) => size.toFixed(1)).join(', ')}`),
  );
  terminal.print(`  height / width: ${suggestion.ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`);
}

/** The command that trains what was examined: with the settings given, and those recommended. */
function printCommand(
  path: string,
  { settings, recommended }: DataExamination,
  overrides: ReadonlyMap<string, unknown>,
  terminal: Terminal,
): void {
  const values = new Map<string, unknown>([['model.network', settings.model.network], ...overrides, ...recommended]);
  const words = [path, ...Array.from(values, ([name, value]) => `${name}=${String(value)}`)];
  terminal.print(`\nTo train with it:\n  retinagrad train ${words.map(quoted).join(' ')}`);
}
