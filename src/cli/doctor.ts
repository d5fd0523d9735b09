import { labelFormats, readLabels, type LabelProblem } from '../data.ts';
import { placeKey } from '../labels/node/spacenet-layout.ts';
import { examine, type LabelledData } from '../doctor/examine.ts';
import { examinationText } from '../doctor/text.ts';
import { writeExamination } from '../doctor/write.ts';
import { init } from '../node.ts';
import { defineCommand, defined, EXIT, quoted, type Call } from './command.ts';
import type { HelpText } from './help.ts';
import { adapter, flag, oneOf, option, text, type OptionTable } from './options.ts';
import { UsageError } from './usage-error.ts';
import { networkSpec } from '../task/network.ts';
import { resolveSettings, splitOverrides } from '../train/schema.ts';
import { splitNames } from '../task/training-data.ts';
import { chooseAuto, trainSchema } from '../train/settings.ts';

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
  adapter,
} as const satisfies OptionTable;

const help: HelpText = {
  usage: `
retinagrad doctor DATA [SETTING=VALUE...] [--images FOLDER] [--validation DATA] [--measure] [--out FOLDER]`,
  about: `
DATA is a folder of images with labels, or a label file, in any format that retinagrad convert reads. Settings are those of
retinagrad train; model.network, model.imageSize, train.batchSize and others change what is checked.

Looks for missing, damaged, rotated and duplicate images; boxes that are outside the image, empty, duplicate, swapped or
normalised; labels in other map coordinates than the images; class names that differ only in case; the same ground on both
sides of the split; and boxes that no anchor matches (red in the pictures). Then recommends an image size, tiles, a batch
size and a learning rate for the data, with reasons.`,
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

/** Settings of retinagrad train that the recommendations are about; its anchors fit themselves to the boxes. */
const SETTINGS: Readonly<Record<string, string>> = {
  'image size': 'model.imageSize',
  tiles: 'data.tile',
  'batch size': 'train.batchSize',
  'learning rate': 'train.learningRate',
  epochs: 'train.epochs',
};

/** The names by which training tells images apart: their files, or in SpaceNet's layout the places that they show. */
function namesOf({ table, format }: LabelledData): string[] {
  const isSpaceNet = format === 'geojson' || format === 'spacenet-csv';
  return table.images.map(({ file }) => (isSpaceNet ? placeKey(file) : file));
}

async function runDoctor({ options, positionals, terminal }: Call<typeof OPTIONS>): Promise<number> {
  const { overrides, others } = splitOverrides(positionals);
  const [path, ...more] = others;
  if (path === undefined || more.length > 0) throw new UsageError(`expected one data set, got ${others.length}`);
  // The anchors that training would have without looking at the data: those that the examination is about.
  const anchors = overrides.has('model.anchors') ? [] : [['model.anchors', 'octaves'] as const];
  const asked = resolveSettings(trainSchema, [{ from: 'command line', values: new Map([...anchors, ...overrides]) }]);
  const device = options.measure ? await init(defined({ adapter: options.adapter })) : null;
  const settings = chooseAuto(asked, device?.adapter.kind !== 'software');
  const images = options.images ?? settings.data.images ?? undefined;
  const format = options.format ?? (settings.data.format === 'auto' ? undefined : settings.data.format);
  const read = async (from: string, where: object): Promise<LabelledData> => {
    const problems: LabelProblem[] = [];
    const labels = await readLabels(from, {
      ...where,
      ...(settings.data.classes.length === 0 ? {} : { classes: settings.data.classes }),
      onProblem: (problem) => problems.push(problem),
    });
    return { table: labels, imagesRoot: labels.imagesRoot, format: labels.format, problems };
  };
  const data = await read(path, defined({ images, format }));
  const validation = options.validation ?? settings.data.validation ?? undefined;
  const examination = await examine({
    ...data,
    ...(validation === undefined
      ? { split: splitNames(namesOf(data), settings) }
      : { validation: await read(validation, {}) }),
    spec: networkSpec(settings, data.table),
    device,
    pixels: !options['no-pixels'],
    seed: settings.train.seed,
    onProgress: (done, total) => terminal.progress('reading images', done, total),
  });
  terminal.print(examinationText(examination).trimEnd());
  const { suggestion } = examination;
  if (options['suggest-anchors'] && suggestion !== null) {
    terminal.print('\nAnchors that fit these boxes best, in pixels of the network (model.anchors=auto uses them):');
    suggestion.sizes.forEach((sizes, level) =>
      terminal.print(`  P${level + 3}: ${sizes.map((size) => size.toFixed(1)).join(', ')}`),
    );
    terminal.print(`  height / width: ${suggestion.ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`);
  }
  if (examination.recommendations.length > 0 && examination.worst !== 'error') {
    // What was examined is what must be trained: the settings given, and options as the settings that they stand for.
    const given = new Map<string, unknown>([['model.network', settings.model.network], ...overrides]);
    for (const name of ['images', 'format', 'validation'] as const) {
      const value = options[name];
      if (value !== undefined) given.set(`data.${name}`, value);
    }
    for (const { setting, number, isPresent } of examination.recommendations) {
      const name = SETTINGS[setting];
      if (name !== undefined && number !== null && isPresent !== true) given.set(name, number);
    }
    const words = [path, ...Array.from(given, ([name, value]) => `${name}=${String(value)}`)];
    terminal.print(`\nTo train with it:\n  retinagrad train ${words.map(quoted).join(' ')}`);
    if (device === null && asked.model.network === 'auto') {
      terminal.print('Without a GPU, ask again with model.network=tiny: train takes that network there.');
    }
  }
  const written = await writeExamination(examination, options.out);
  terminal.print(
    `\n${written.length === 1 ? written[0] : `${written.at(-1)}: boxes that anchors reach, and those that none does`}`,
  );
  terminal.result(examination);
  device?.destroy();
  return examination.worst === 'error' ? EXIT.found : EXIT.done;
}
