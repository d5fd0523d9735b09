import { checkInteger } from '../common/check.ts';
import { FrozenBatchNorm2d } from '../nn/norm.ts';
import type { Module, Parameter } from '../nn/module.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Stages of the backbone in the order of the image's way: the stem, then the four of residual blocks. */
const STAGES = 5;

/** Parts of a model that training leaves as they are. */
export interface FrozenParts {
  /** Switches the model to training and its frozen parts to evaluation, so that their norms use running statistics. */
  train(): void;
  /** All that stays as it is: frozen parameters, and statistics of frozen norms. */
  readonly tensors: ReadonlySet<Tensor>;
  /** Makes the parameters trainable again that were so before. */
  release(): void;
}

/**
 * Freezes the first stages of the backbone: their parameters get no gradient, and their batch norms use their running
 * statistics and do not change them. Early layers find edges and textures, which differ little from one kind of image to
 * another, so that fine-tuning on few images leaves them alone.
 *
 * @param stages how many, from 0 (none) to 5 (all): stem, layer1, layer2, layer3, layer4. torchvision's
 *   `trainable_backbone_layers` is 5 less this. Parameters that were frozen before stay so.
 */
export function freezeBackbone(model: RetinaNet, stages: number): FrozenParts {
  checkInteger('freezeBackbone', 'stages', stages, { min: 0, max: STAGES });
  const { conv1, bn1, layer1, layer2, layer3, layer4 } = model.backbone.body;
  const frozen: Module[] = [[conv1, bn1], [layer1], [layer2], [layer3], [layer4]].slice(0, stages).flat();
  const changed: Parameter[] = frozen.flatMap((part) => part.parameters()).filter(({ requiresGrad }) => requiresGrad);
  for (const parameter of changed) parameter.requiresGrad = false;
  const constant = [...frozen, ...modulesOf(model).filter((part) => part instanceof FrozenBatchNorm2d)];
  return {
    train() {
      model.train();
      for (const part of frozen) part.eval();
    },
    tensors: new Set([
      ...model.parameters().filter(({ requiresGrad }) => !requiresGrad),
      ...constant.flatMap((part) => [...part.stateDict().values()]),
    ]),
    release() {
      for (const parameter of changed) parameter.requiresGrad = true;
    },
  };
}

/** A module and everything in it. */
function modulesOf(module: Module): Module[] {
  return [module, ...[...module.namedChildren()].flatMap(([, child]) => modulesOf(child))];
}
