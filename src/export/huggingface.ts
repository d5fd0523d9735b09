import { defined } from '../common/check.ts';
import type { DetectorDescription } from '../detector/detector.ts';
import type { HostTensor } from '../nn/module.ts';
import { encodeSafetensors } from '../weights/safetensors.ts';
import { toTorchvisionStateDict } from '../weights/torchvision.ts';
import { modelCard, type RunFacts } from './model-card.ts';
import { torchvisionModule } from './torchvision-module.ts';

/** Weights in safetensors with torchvision's names and layouts, and the classes as metadata. */
export function torchvisionSafetensors(
  weights: ReadonlyMap<string, HostTensor>,
  { classes }: DetectorDescription,
): Uint8Array {
  // Readers of PyTorch's files expect this format.
  return encodeSafetensors(toTorchvisionStateDict(weights), { format: 'pt', classes: JSON.stringify(classes) });
}

/** The files of a folder for Hugging Face's hub by their names. */
export function huggingFaceFiles(
  weights: ReadonlyMap<string, HostTensor>,
  description: DetectorDescription,
  facts: RunFacts,
): Map<string, Uint8Array | string> {
  const { classes, spec, scoreThreshold, decoding, tile } = description;
  const { mean, std, minSize, maxSize, channels, white } = spec.transform;
  const config = {
    model_type: 'retinanet',
    architectures: ['RetinaNet'],
    library_name: 'retinagrad',
    num_labels: classes.length,
    num_channels: spec.transform.mean.length,
    id2label: Object.fromEntries(classes.map((name, label) => [label, name])),
    label2id: Object.fromEntries(classes.map((name, label) => [name, label])),
    score_threshold: scoreThreshold,
    tile,
    ground_resolution: decoding.groundResolution ?? null,
    decoding,
    spec,
  };
  const preprocessor = {
    do_rescale: true,
    rescale_factor: white / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
    channel_order: channels,
    do_resize: minSize !== null,
    ...(minSize === null ? {} : { size: { shortest_edge: minSize, longest_edge: maxSize } }),
    do_pad: true,
    pad_size_divisor: spec.transform.padMultiple,
    ...defined({ stretch: decoding.stretch, bands: decoding.bands }),
  };
  return new Map<string, Uint8Array | string>([
    ['config.json', json(config)],
    ['preprocessor_config.json', json(preprocessor)],
    ['model.safetensors', torchvisionSafetensors(weights, description)],
    ['detector.py', torchvisionModule(description)],
    ['README.md', modelCard(description, facts)],
  ]);
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
