import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { defined } from '../common/check.ts';
import { exportDetector, exportFormats, type ExportFormat, type OnnxForm } from '../detector-node.ts';
import { defineCommand, EXIT, type Call } from './command.ts';
import { rows, type HelpText } from './help.ts';
import { flag, integer, number, oneOf, option, text, type OptionTable } from './options.ts';
import { weightsFile } from './run-paths.ts';
import { UsageError } from './usage-error.ts';

const OPTIONS = {
  to: option(oneOf(exportFormats), { value: 'FORMAT', about: `format of the output: ${exportFormats.join(', ')}` }),
  out: option(text, {
    value: 'PATH',
    about: 'file of the output, or folder for huggingface',
    otherwise: 'detector.pth, detector.safetensors, detector.onnx or huggingface in the folder of the run',
  }),
  tile: option(integer({ min: 32 }), {
    value: 'N',
    about: 'side of the input of an ONNX file in pixels; at most what the network saw in training',
    otherwise: 'what the network saw in training',
  }),
  resolution: option(number({ above: 0 }), {
    value: 'CM',
    about: 'side of a pixel on the ground in centimetres, for GIS tools that read ONNX files',
    otherwise: 'that of the training images, if they had a georeference',
  }),
  nms: option(oneOf(['out', 'in']), {
    value: 'WHERE',
    about: 'whether suppression of duplicates is left out of the ONNX file, as GIS tools expect, or in it',
    default: 'out',
  }),
  raw: flag('ONNX: puts out the logits and offsets of all anchors, and the anchors'),
  overwrite: flag('replaces existing files, which are an error otherwise'),
} as const satisfies OptionTable;

/** A line about each format. */
const FORMATS: Readonly<Record<ExportFormat, string>> = {
  torchvision:
    'detector.pth for torch.load, and detector.py, which builds the same model with torchvision (0.14 or later)',
  safetensors: 'the same weights, with the names of torchvision, in safetensors',
  huggingface: 'a folder for the Hugging Face hub: weights, configuration, detector.py and a model card to complete',
  onnx: 'one file that Deepness (QGIS), GeoDeep, WebODM and GeoLibre open as it is, for any ONNX runtime',
};

const help: HelpText = {
  usage: `
retinagrad export [RUN] --to FORMAT [--out PATH] [--overwrite]
    For ONNX, [--tile N] [--resolution CM] [--nms WHERE | --raw] choose the input and the outputs.`,
  about: `
RUN is the folder of a run, whose best.safetensors is exported, or a file of weights; by default the newest run in runs/.
No GPU is needed. If anything fails, nothing is written.

Formats:
${rows(Object.entries(FORMATS))}`,
  details: `
The ONNX file (opset 13) has one input, images [1, 3, N, N]: an RGB image with values from 0 to 1. Its output is output0
[1, 4 + classes, K]: cx, cy, w, h in pixels and the score of each class, for the K boxes with the highest scores, without
suppression. With --nms in, its outputs are boxes [n, 4] (x1, y1, x2, y2), labels [n] and scores [n], as retinagrad
predict finds them in a tile. With --raw they are logits [1, A, classes], deltas [1, A, 4] and anchors [A, 4]. The
metadata of the file have the names of the classes, the threshold, the tile and the size of a pixel on the ground, which
GIS tools read.`,
  examples: [
    ['npx retinagrad export --to onnx', 'the newest run, for QGIS, WebODM or GeoLibre'],
    ['npx retinagrad export runs/roofs --to onnx --resolution 30 --out roofs.onnx'],
    ['npx retinagrad export runs/roofs --to onnx --nms in --out roofs-nms.onnx'],
    ['npx retinagrad export runs/roofs --to torchvision', 'runs/roofs/detector.pth and detector.py'],
    ['npx retinagrad export runs/roofs --to huggingface --out roofs-detector'],
  ],
};

export const exportCommand = defineCommand('export', {
  help,
  output: 'what was written',
  options: OPTIONS,
  run: runExport,
});

async function runExport({ options, positionals, terminal }: Call<typeof OPTIONS>): Promise<number> {
  const [run, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`export takes one run or file of weights, got ${positionals.length}`);
  const { to, out, tile, resolution, overwrite } = options;
  if (to === undefined) throw new UsageError(`export needs --to, one of ${exportFormats.join(', ')}`);
  const form = formOf(options);
  if (to !== 'onnx') checkOnlyOnnx(options);
  const weights = weightsOf(run);
  const onnx = to === 'onnx' ? { form, ...defined({ tile, resolution }) } : undefined;
  const {
    files,
    classes,
    scoreThreshold,
    notes,
    tile: side,
  } = await exportDetector(weights, {
    to,
    overwrite,
    ...defined({ out, onnx }),
  });
  terminal.result({ weights, to, files, classes, scoreThreshold, notes, ...defined({ tile: side }) });
  terminal.say(`${weights}: detects ${classes.join(', ')}, with a score >= ${scoreThreshold.toFixed(2)}`);
  for (const file of files) terminal.print(file);
  for (const note of notes) terminal.warn(note);
  return EXIT.done;
}

function formOf({ nms, raw }: Call<typeof OPTIONS>['options']): OnnxForm {
  if (raw && nms === 'in')
    throw new UsageError('--raw and --nms in exclude each other: raw outputs are not suppressed');
  return raw ? 'raw' : nms === 'in' ? 'suppressed' : 'boxes';
}

function checkOnlyOnnx({ tile, resolution, nms, raw }: Call<typeof OPTIONS>['options']): void {
  const given = Object.entries({ tile, resolution, 'nms in': nms === 'in' || undefined, raw: raw || undefined });
  const [first] = given.filter(([, value]) => value !== undefined);
  if (first !== undefined) throw new UsageError(`--${first[0]} goes with --to onnx`);
}

/** The file of weights that is named, or that of the run, or of the newest run. */
function weightsOf(run: string | undefined): string {
  if (run === undefined) return weightsFile(undefined);
  if (!existsSync(run)) throw new Error(`there is no ${run}, expected the folder of a run or its best.safetensors`);
  if (!statSync(run).isDirectory()) return run;
  const best = join(run, 'best.safetensors');
  if (!existsSync(best))
    throw new Error(`${run} has no best.safetensors, expected the folder of a run that was evaluated`);
  return best;
}
