// The library's public names. In Node the package resolves to node.ts, which adds its own `init` to these.

// Device and memory
export { init, type InitOptions } from './tensor/init.ts';
export {
  Device,
  defaultDevice,
  setDefaultDevice,
  tuningNames,
  type AdapterDescription,
  type MemoryReport,
  type TuningName,
} from './tensor/device.ts';
export {
  formatBytes,
  DeviceLostError,
  DisposedError,
  GpuError,
  GpuInternalError,
  GpuOutOfMemoryError,
  GpuValidationError,
  NoAdapterError,
} from './tensor/errors.ts';
export { keep, tidy } from './tensor/scope.ts';

// Tensors
export { Tensor } from './tensor/tensor.ts';
export { tensor, write, type CreateOptions, type Nested } from './tensor/create.ts';
export type { DType } from './tensor/dtype.ts';
export type { Shape } from './tensor/shape.ts';
export { arange, full, ones, rand, randn, zeros } from './autograd/ops/create.ts';

// Autograd
export { backward, detach, grad, isRecomputing, noGrad, record, type BackwardOptions } from './autograd/tape.ts';
export { checkpoint } from './autograd/checkpoint.ts';
export { gradcheck, type GradcheckOptions, type GradcheckReport } from './autograd/gradcheck.ts';

// Operations
export {
  add,
  clamp,
  div,
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  maximum,
  minimum,
  mul,
  notEqual,
  pow,
  smoothL1,
  sub,
  type Operand,
} from './autograd/ops/binary.ts';
export { abs, exp, log, neg, reciprocal, relu, sigmoid, softplus, sqrt, square, tanh } from './autograd/ops/unary.ts';
export { broadcastTo, clone, concat, pad, reshape, slice, transpose } from './autograd/ops/shape.ts';
export { max, mean, min, sum, type ReduceOptions } from './autograd/ops/reduce.ts';
export { argmax, cast, assign, axpby } from './autograd/ops/no-gradient.ts';
export { gather } from './autograd/ops/gather.ts';
export { topK } from './autograd/ops/topk.ts';
export { where } from './autograd/ops/where.ts';
export { matmul } from './autograd/ops/matmul.ts';
export type { Epilogue } from './autograd/ops/epilogue.ts';
export { conv2d, type Conv2dOptions, type ConvEpilogue } from './autograd/ops/conv2d.ts';
export { avgPool2d, maxPool2d, type AvgPoolOptions, type PoolOptions } from './autograd/ops/pool2d.ts';
export { batchNorm, batchNormInference, groupNorm } from './autograd/ops/normalization.ts';
export { upsampleBilinear, upsampleNearest } from './autograd/ops/upsample.ts';
export { logSoftmax, softmax } from './autograd/ops/softmax.ts';
export {
  bceWithLogits,
  crossEntropy,
  giouLoss,
  sigmoidFocalLoss,
  type FocalLossOptions,
  type Reduction,
} from './autograd/ops/losses.ts';

// Layers, optimisers, schedules
export {
  Module,
  Parameter,
  readStateDict,
  type HostTensor,
  type Layer,
  type LoadReport,
  type StateDict,
} from './nn/module.ts';
export { Conv2d, Linear, MaxPool2d, ReLU, Sequential, Upsample, type Conv2dConfig } from './nn/layers.ts';
export {
  BatchNorm2d,
  FrozenBatchNorm2d,
  GroupNorm,
  type BatchNormConfig,
  convNorm,
  type BatchNormLayer,
} from './nn/norm.ts';
export {
  constant,
  kaimingNormal,
  kaimingUniform,
  manualSeed,
  normal,
  uniform,
  xavierUniform,
  type Initializer,
} from './nn/init.ts';
export {
  Adam,
  AdamW,
  Optimizer,
  SGD,
  type AdamOptions,
  type OptimizerOptions,
  type ParameterGroup,
  type SGDOptions,
} from './nn/optim.ts';
export {
  cosine,
  exponential,
  linearWarmup,
  multiStepDecay,
  oneCycle,
  ReduceOnPlateau,
  Scheduler,
  stepDecay,
  type PlateauOptions,
  type Schedule,
} from './nn/schedule.ts';
export { clipGradNorm, clipGradValue } from './nn/clip.ts';
export { ExponentialMovingAverage, type AverageOptions } from './nn/ema.ts';

// RetinaNet
export { presets, retinaNetSpec, type PresetName, type RetinaNetSpec, type SpecOverrides } from './retinanet/spec.ts';
export { RetinaNet, type NetworkOutput, type TrainingLosses } from './retinanet/retinanet.ts';
export { ResNet } from './retinanet/resnet.ts';
export { FeaturePyramid, type Pyramid } from './retinanet/fpn.ts';
export { RetinaNetHead, type HeadOutput } from './retinanet/heads.ts';
export { anchorsPerCell, cellAnchors, makeAnchors, type Size } from './retinanet/anchors.ts';
export { decodeBox, decodeBoxes } from './retinanet/box-coder.ts';
export { BACKGROUND, IGNORED, matchAnchors } from './retinanet/matching.ts';
export { assignTargets } from './retinanet/matching-gpu.ts';
export type { Target } from './retinanet/targets.ts';
export { RetinaNetLoss, type RetinaNetLosses } from './retinanet/loss.ts';
export { postprocess, type Detections, type RawOutput } from './retinanet/postprocess.ts';
export { resizedSize, transformImages, type ImageBatch, type ImageInput } from './retinanet/transform.ts';

// Files and images
export { loadTorchvisionStateDict, toTorchvisionStateDict } from './weights/torchvision.ts';
export { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from './weights/safetensors.ts';
export type { Annotations, RgbImage } from './imagery/types.ts';
export type { Dataset, Sample } from './data/types.ts';
