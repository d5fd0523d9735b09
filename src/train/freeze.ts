import { checkInteger } from '../common/check.ts';
import { FrozenBatchNorm2d } from '../nn/norm.ts';
import type { Module, Parameter } from '../nn/module.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Number of stages of the backbone: the stem and four stages of residual blocks. */
const STAGES = 5;

/** The parts of a model that are not trained. */
export interface FrozenParts {
  /**
   * Puts the model in training mode and its frozen parts in evaluation mode, so that their norms use running
   * statistics.
   */
  train(): void;
  /** Tensors that do not change: frozen parameters, and statistics of frozen norms. */
  readonly tensors: ReadonlySet<Tensor>;
  /** Unfreezes the parameters that `freezeBackbone` froze. */
  release(): void;
}

/**
 * Freezes the first stages of the backbone: their parameters get no gradients, and their batch norms use their running
 * statistics without updating them. Early layers detect edges and textures, which differ little between kinds of
 * images, so they are often frozen for fine-tuning on few images.
 *
 * @param stages number of stages, from 0 (none) to 5 (all): stem, layer1, layer2, layer3, layer4. torchvision's
 *   `trainable_backbone_layers` is 5 minus this. Parameters that were frozen before stay frozen.
 * @throws RangeError if `stages` is not an integer from 0 to 5
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

/** A module and all its descendants. */
function modulesOf(module: Module): Module[] {
  return [module, ...[...module.namedChildren()].flatMap(([, child]) => modulesOf(child))];
}
