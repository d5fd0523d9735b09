import { isRecord } from '../common/check.ts';
import { printableLine } from '../common/printable.ts';
import type { DetectorDescription } from '../detector/detector.ts';
import type { EvaluationRecord } from '../train/run-store.ts';

/** What a run tells about its detector, as far as it is known. */
export interface RunFacts {
  /** The evaluation whose weights these are. */
  readonly evaluation?: EvaluationRecord;
  /** Settings of the run by their names, such as `train.epochs`. */
  readonly settings?: ReadonlyMap<string, unknown>;
  /** The record of the machine, see `RunFolder.readEnvironment`. */
  readonly environment?: Readonly<Record<string, unknown>>;
}

/** The README.md of a detector on Hugging Face's hub: what it is, how good, how it was made, and how it is loaded. */
export function modelCard(
  { classes, spec, scoreThreshold, decoding, tile }: DetectorDescription,
  { evaluation, settings, environment }: RunFacts,
): string {
  const header = [
    'license: other # TODO: the licence under which you publish these weights',
    'library_name: retinagrad',
    'pipeline_tag: object-detection',
    'tags: [object-detection, retinanet, retinagrad, torchvision]',
  ];
  const resolution = decoding.groundResolution;
  // Names come from data of others: one line, and no HTML.
  const names = printableLine(classes.join(', ')).replaceAll('<', '&lt;');
  const facts: readonly (readonly [string, string])[] = [
    ['classes', names],
    ['network', `RetinaNet on ResNet-${spec.backbone.depth}`],
    ['score threshold', `${scoreThreshold.toFixed(3)}, with the highest F1 on held-out images`],
    [
      'images',
      tile === null
        ? `resized to a shorter side of ${spec.transform.minSize} pixels`
        : `${channelsOf(spec.transform.mean.length, decoding)}, 8 bits, in tiles of ${tile} pixels`,
    ],
    ['pixel on the ground', resolution === undefined ? 'not known' : `${Number(resolution.toPrecision(3))} m`],
  ];
  const sections = [
    `---\n${header.join('\n')}\n---\n\n# RetinaNet that detects ${names}`,
    table(['', ''], facts),
    `## Accuracy\n\n${evaluation === undefined ? 'The run has no evaluation.' : accuracy(evaluation)}`,
    `## Data\n\n${dataSource(settings)}\n\nTODO: who made the images and the labels, their licences, and where and when the images were taken.`,
    `## Training\n\n${environment === undefined ? 'Trained with retinagrad.' : machine(environment)}${settingsBlock(settings)}`,
    LIMITS,
    LOADING,
  ];
  return `${sections.join('\n\n')}\n`;
}

const channelsOf = (count: number, { bands, stretch }: DetectorDescription['decoding']): string =>
  (bands === undefined && count === 3 ? 'RGB' : `bands ${bands?.join(', ') ?? `1 to ${count}`}`) +
  (stretch === undefined ? '' : ', stretched');

function accuracy({
  f1,
  precision,
  recall,
  threshold,
  averagePrecision,
  images,
  truths,
  epoch,
}: EvaluationRecord): string {
  const rows: [string, string][] = [
    ['F1', f1.toFixed(3)],
    ['precision', precision.toFixed(3)],
    ['recall', recall.toFixed(3)],
    ['average precision', averagePrecision === null ? 'none: there are no objects' : averagePrecision.toFixed(3)],
  ];
  return (
    `On ${images} held-out images with ${truths} objects, after epoch ${epoch}, with scores >= ${threshold.toFixed(3)}. The ` +
    `threshold and the epoch were chosen on these images, so that the figures are slightly optimistic.\n\n${table(['measure', 'value'], rows)}`
  );
}

function dataSource(settings: RunFacts['settings']): string {
  const path = settings?.get('data.path');
  if (typeof path !== 'string' || path === '') return 'The data set is not known.';
  // The name only: a path may tell more than its author wants to publish.
  return `The data set was \`${path
    .replace(/[\\/]+$/, '')
    .split(/[\\/]/)
    .at(-1)}\`.`;
}

function machine({ date, retinagrad, adapter }: Readonly<Record<string, unknown>>): string {
  const name = isRecord(adapter) ? ` on ${String(adapter['name'])}` : '';
  return `Trained with retinagrad ${String(retinagrad)}${name}, begun ${String(date).slice(0, 10)}.`;
}

/** Settings of network, training and augmentation, which hold no paths of the machine except for that of first weights. */
function settingsBlock(settings: RunFacts['settings']): string {
  const published = [...(settings ?? [])].filter(
    ([name]) => /^(model|train|augment)\./.test(name) && name !== 'model.weights',
  );
  if (published.length === 0) return '';
  const lines = published.map(
    ([name, value]) => `${name}=${Array.isArray(value) ? value.join() : JSON.stringify(value)}`,
  );
  return `\n\n\`\`\`text\n${lines.join('\n')}\n\`\`\``;
}

const table = (head: readonly [string, string], rows: readonly (readonly [string, string])[]): string =>
  [head, ['---', '---'] as const, ...rows].map(([a, b]) => `| ${a} | ${b.replaceAll('|', '\\|')} |`).join('\n');

const LIMITS = `## Limits

TODO: what it should not be used for. Objects must have about the same size in pixels as in training, and images the same
kind of view.`;

const LOADING = `## Loading it

\`\`\`python
import torch
from huggingface_hub import snapshot_download

folder = snapshot_download("TODO/name")
# detector.py builds the model with torchvision; safetensors must be installed.
import sys; sys.path.insert(0, folder)
from detector import CLASSES, SCORE_THRESHOLD, load

model = load(f"{folder}/model.safetensors").eval()
with torch.no_grad():
    found = model([image])[0]  # image: float tensor [channels, H, W] from 0 to 1
keep = found["scores"] >= SCORE_THRESHOLD
\`\`\`

With retinagrad, the file of the run from which this was exported (\`best.safetensors\`) detects as it is.`;
