import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkChoice, defined, reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { readSettingsFile } from '../../common/settings-text.ts';
import { writeAtomically } from '../../common/node/write-atomically.ts';
import { readDescription, type DetectorDescription } from '../../detector/detector.ts';
import type { HostTensor } from '../../nn/module.ts';
import { runFiles } from '../../train/node/run-folder.ts';
import type { EvaluationRecord, RunRecord } from '../../train/run-store.ts';
import { readWeights } from '../../weights/node/read-weights.ts';
import { encodePth } from '../../weights/pth.ts';
import { decodeSafetensors } from '../../weights/safetensors.ts';
import { toTorchvisionStateDict } from '../../weights/torchvision.ts';
import { huggingFaceFiles, torchvisionSafetensors } from '../huggingface.ts';
import type { RunFacts } from '../model-card.ts';
import { exportOnnx, type OnnxOptions } from '../onnx/export-onnx.ts';
import { torchvisionModule, trainingDifferences } from '../torchvision-module.ts';

const OP = 'exportDetector';

/** Formats in which a detector is written, and the name of the file or folder beside the weights. */
const NAMES = {
  torchvision: 'detector.pth',
  safetensors: 'detector.safetensors',
  huggingface: 'huggingface',
  onnx: 'detector.onnx',
} as const;
export type ExportFormat = keyof typeof NAMES;
export const exportFormats = Object.keys(NAMES) as ExportFormat[];

/** Options of `exportDetector`. */
export interface ExportOptions {
  readonly to: ExportFormat;
  /**
   * Path of the file, or for `huggingface` of the folder. Default: `detector.pth`, `detector.safetensors`, `detector.onnx` or
   * `huggingface` beside the weights.
   */
  readonly out?: string;
  /** Whether existing files are replaced. Default false: they are an error. */
  readonly overwrite?: boolean;
  /** Only for ONNX. */
  readonly onnx?: OnnxOptions;
}

export interface ExportedDetector {
  /** Paths of the files written. */
  readonly files: readonly string[];
  readonly classes: readonly string[];
  /** Minimum score of a detection, which not every format holds. */
  readonly scoreThreshold: number;
  /** Side of the input of an ONNX file in pixels. */
  readonly tile?: number;
  /** What a user of the files must know, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Writes a detector in the format of another tool; a GPU is not needed. `torchvision` is a state dict for `torch.load` and, beside
 * it, `detector.py`, which builds the model with torchvision; `safetensors` is the same state dict in safetensors; `huggingface`
 * is a folder with weights, configuration, `detector.py` and a model card; `onnx` is described at `exportOnnx`. All files are
 * written, or none.
 *
 * @param weights file of a detector: best.safetensors or last.safetensors of a run
 * @throws InputError if a file exists, cannot be read, or the network is not one of the format
 */
export async function exportDetector(weights: string, options: ExportOptions): Promise<ExportedDetector> {
  const { to, out, overwrite = false } = options;
  checkChoice(OP, 'to', to, exportFormats);
  const { tensors, metadata } = decodeSafetensors(readWeights(OP, weights), weights);
  const description = readDescription(metadata, weights);
  if (description === null) {
    throw new InputError(OP, 'not a detector, expected best.safetensors or last.safetensors of a run', {
      file: weights,
    });
  }
  const target = out ?? join(dirname(weights), NAMES[to]);
  const { files, tile, notes } = encoded(tensors, description, { ...options, weights, target });
  const paths = [...files.keys()];
  await writeAtomically(OP, paths, overwrite, async (temporaryOf) => {
    for (const [path, content] of files) await writeFile(temporaryOf(path), content);
  });
  const { classes, scoreThreshold } = description;
  return { files: paths, classes, scoreThreshold, notes, ...defined({ tile }) };
}

interface Encoded {
  readonly files: ReadonlyMap<string, Uint8Array | string>;
  readonly tile?: number;
  readonly notes: readonly string[];
}

/** The files by their paths. */
function encoded(
  tensors: ReadonlyMap<string, HostTensor>,
  description: DetectorDescription,
  { to, onnx, weights, target }: ExportOptions & { readonly weights: string; readonly target: string },
): Encoded {
  if (to === 'onnx') {
    try {
      const { bytes, tile, notes } = exportOnnx(tensors, description, onnx);
      return { files: new Map([[target, bytes]]), tile, notes };
    } catch (cause) {
      // Options out of range are no fault of the file.
      throw cause instanceof RangeError ? cause : new InputError(OP, reasonOf(cause), { file: weights, cause });
    }
  }
  const notes = trainingDifferences(description.spec);
  if (to === 'safetensors') return { files: new Map([[target, torchvisionSafetensors(tensors, description)]]), notes };
  return { files: new Map(withModule()), notes };

  function* withModule(): Generator<[string, Uint8Array | string]> {
    try {
      if (to === 'torchvision') {
        yield [target, encodePth(toTorchvisionStateDict(tensors))];
        yield [join(dirname(target), 'detector.py'), torchvisionModule(description)];
      } else {
        const facts = runFacts(dirname(weights), description);
        for (const [name, content] of huggingFaceFiles(tensors, description, facts))
          yield [join(target, name), content];
      }
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new InputError(OP, `${cause.message}: export it to onnx or safetensors`, { file: weights, cause });
    }
  }
}

/** What the folder of a run tells about it; nothing if the weights lie elsewhere. */
function runFacts(folder: string, { scoreThreshold }: DetectorDescription): RunFacts {
  const read = <T>(name: keyof typeof runFiles, parse: (text: string, path: string) => T): T | undefined => {
    const path = join(folder, runFiles[name]);
    if (!existsSync(path)) return undefined;
    try {
      return parse(readFileSync(path, 'utf8'), path);
    } catch (cause) {
      throw new InputError(OP, reasonOf(cause), { file: path, cause });
    }
  };
  const records = read('metrics', (text) => text.split('\n').flatMap((line) => recordsIn(line))) ?? [];
  // The weights have the threshold of the evaluation that chose them.
  const evaluation = records.filter(({ threshold }) => threshold === scoreThreshold).at(-1);
  const settings = read('config', readSettingsFile);
  const environment = read('environment', (text) => JSON.parse(text) as Record<string, unknown>);
  return defined({ evaluation, settings, environment });
}

/** The evaluation in a line of metrics.jsonl, if it is one. */
function recordsIn(line: string): EvaluationRecord[] {
  if (!line.includes('"evaluation"')) return [];
  const record = JSON.parse(line) as RunRecord;
  return record.kind === 'evaluation' ? [record] : [];
}
