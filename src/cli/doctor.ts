import { labelFormats, readLabels, type LabelProblem } from '../data.ts';
import { placeKey } from '../labels/node/spacenet-layout.ts';
import { examineFiles, type LabelledData } from '../doctor/node/examine-files.ts';
import { examinationText } from '../doctor/text.ts';
import { writeExamination } from '../doctor/node/write.ts';
import { init } from '../node.ts';
import { adapterOption, choice, EXIT, quoted, text, UsageError, type Call, type Command } from './command.ts';
import { networkSpec } from '../task/network.ts';
import { resolveSettings, splitOverrides } from '../train/schema.ts';
import { splitNames } from '../task/training-data.ts';
import { chooseAuto, trainSchema } from '../train/settings.ts';

const help = `retinagrad doctor: examines a data set before training: files, boxes, classes, split, anchors, and what training will take.

Usage:
  retinagrad doctor DATA [SETTING=VALUE...] [--images FOLDER] [--validation DATA] [--measure] [--out FOLDER]

DATA is a folder of images with labels, or a label file, in any format that retinagrad convert reads. Settings are those of
retinagrad train: model.network, model.imageSize, train.batchSize and others decide what is examined.

It looks for images that are missing, damaged, turned or twice there; boxes that lie outside, are empty, doubled, swapped or
normalised; labels in other map coordinates than the images; class names that differ by a capital; the same ground on both
sides of the split; boxes that no anchor reaches (in red on the pictures). Then it says what image size, tiles, batch and
learning rate suit the data, with the reason for each.

Options:
  --suggest-anchors   prints sizes and ratios of anchors that fit the boxes best (model.anchors=auto uses them)
  --images FOLDER     where the images are, if not around the labels
  --format NAME       format of the labels (recognised)
  --validation DATA   the data set to evaluate on, where it is one of its own
  --measure           takes real training steps on this adapter for the estimate of time and memory
  --no-pixels         does not decode images: quicker, but finds less
  --out FOLDER        writes examination.json and pictures of boxes and anchors there (doctor)
  --adapter NAME      hardware, lavapipe, swiftshader, or a part of an adapter's name, for --measure
  --json              all findings as JSON

Exit status: 0 nothing is wrong (there may be warnings), 1 it could not be examined, 2 wrong command line, 3 there are errors.

Examples:
  npx retinagrad doctor tiles
  npx retinagrad doctor tiles model.network=tiny          without a GPU
  npx retinagrad doctor boxes.csv --images photos --suggest-anchors --measure
  npx retinagrad doctor train --validation test model.imageSize=800
`;

export const doctor: Command = {
  help,
  options: {
    'suggest-anchors': { type: 'boolean' },
    images: { type: 'string' },
    format: { type: 'string' },
    validation: { type: 'string' },
    measure: { type: 'boolean' },
    'no-pixels': { type: 'boolean' },
    out: { type: 'string' },
    adapter: { type: 'string' },
  },
  run: runDoctor,
};

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

async function runDoctor({ values, positionals, terminal }: Call): Promise<number> {
  const { overrides, others } = splitOverrides(positionals);
  const [path, ...more] = others;
  if (path === undefined || more.length > 0) throw new UsageError(`expected one data set, got ${others.length}`);
  // The anchors that training would have without looking at the data: those that the examination is about.
  const anchors = overrides.has('model.anchors') ? [] : [['model.anchors', 'octaves'] as const];
  const asked = resolveSettings(trainSchema, [{ from: 'command line', values: new Map([...anchors, ...overrides]) }]);
  const device = values['measure'] === true ? await init(adapterOption(values)) : null;
  const settings = chooseAuto(asked, device?.adapter.kind !== 'software');
  const images = text(values, 'images') ?? settings.data.images ?? undefined;
  const format =
    choice(values, 'format', labelFormats) ?? (settings.data.format === 'auto' ? undefined : settings.data.format);
  const read = async (from: string, where: object): Promise<LabelledData> => {
    const problems: LabelProblem[] = [];
    const labels = await readLabels(from, {
      ...where,
      ...(settings.data.classes.length === 0 ? {} : { classes: settings.data.classes }),
      onProblem: (problem) => problems.push(problem),
    });
    return { table: labels, imagesRoot: labels.imagesRoot, format: labels.format, problems };
  };
  const data = await read(path, {
    ...(images === undefined ? {} : { images }),
    ...(format === undefined ? {} : { format }),
  });
  const validation = text(values, 'validation') ?? settings.data.validation ?? undefined;
  const examination = await examineFiles({
    ...data,
    ...(validation === undefined
      ? { split: splitNames(namesOf(data), settings) }
      : { validation: await read(validation, {}) }),
    spec: networkSpec(settings, data.table),
    device,
    pixels: values['no-pixels'] !== true,
    seed: settings.train.seed,
    onProgress: (done, total) => terminal.progress('reading images', done, total),
  });
  terminal.print(examinationText(examination).trimEnd());
  const { suggestion } = examination;
  if (values['suggest-anchors'] === true && suggestion !== null) {
    terminal.print('\nAnchors that fit these boxes best, in pixels of the network (model.anchors=auto uses them):');
    suggestion.sizes.forEach((sizes, level) =>
      terminal.print(`  P${level + 3}: ${sizes.map((size) => size.toFixed(1)).join(', ')}`),
    );
    terminal.print(`  height / width: ${suggestion.ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`);
  }
  if (examination.recommendations.length > 0 && examination.worst !== 'error') {
    // What was examined is what must be trained: the settings given, and options as the settings that they stand for.
    const given = new Map<string, unknown>([['model.network', settings.model.network], ...overrides]);
    for (const name of ['images', 'format', 'validation']) {
      const value = text(values, name);
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
  const written = await writeExamination(examination, text(values, 'out') ?? 'doctor');
  terminal.print(
    `\n${written.length === 1 ? written[0] : `${written.at(-1)}: boxes that anchors reach, and those that none does`}`,
  );
  terminal.result(examination);
  device?.destroy();
  return examination.worst === 'error' ? EXIT.found : EXIT.done;
}
