// The library's public names. In Node the package resolves to node.ts, which adds its own `init` to these.

// Device and memory
export { init, type InitOptions } from './tensor/init.ts';
export { Device, defaultDevice, setDefaultDevice } from './tensor/device.ts';
export type { AdapterDescription } from './tensor/device-options.ts';
export { tuningNames, type Tuning, type TuningName } from './tensor/tuning.ts';
export type { MemoryReport } from './tensor/memory-use.ts';
export {
  formatBytes,
  DeviceLostError,
  DisposedError,
  GpuError,
  GpuInternalError,
  GpuOutOfMemoryError,
  GpuValidationError,
  NoAdapterError,
  NoDeviceError,
} from './tensor/errors.ts';
export { keep, tidy } from './tensor/scope.ts';

// Tensors
export { Tensor } from './tensor/tensor.ts';
export { tensor, write, type CreateOptions, type Nested } from './tensor/create.ts';
export type { DType } from './tensor/dtype.ts';
export type { Shape } from './tensor/shape.ts';
export { fromBuffer, toBuffer, type FromBufferOptions } from './tensor/gpu-buffer.ts';
export {
  fromPixels,
  toPixels,
  type FromPixelsOptions,
  type PixelData,
  type PixelSource,
  type PixelTarget,
  type ToPixelsOptions,
} from './autograd/ops/no-gradient.ts';
export { arange, full, ones, rand, randn, zeros } from './autograd/ops/create.ts';

// Autograd
export {
  backward,
  detach,
  grad,
  isRecomputing,
  noGrad,
  record,
  type BackwardOptions,
  type RecordOptions,
} from './autograd/tape.ts';
export { manualSeed } from './autograd/seeds.ts';
export { warmup, type WarmupOptions, type WarmupProgress } from './autograd/warmup.ts';
export { checkpoint } from './autograd/checkpoint.ts';
export {
  AnomalyError,
  detectAnomaly,
  type Anomaly,
  type AnomalyOptions,
  type TensorRange,
  type ValueRange,
} from './autograd/anomaly.ts';
export { gradcheck, type GradcheckOptions, type GradcheckReport } from './autograd/gradcheck.ts';

// Operations
export {
  add,
  clamp,
  div,
  equal,
  greater,
  greaterEqual,
  isNaN,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  maximum,
  minimum,
  mul,
  notEqual,
  smoothL1,
  sub,
  type Operand,
} from './autograd/ops/binary.ts';
export { atan2, pow } from './autograd/ops/pow.ts';
export {
  abs,
  acos,
  asin,
  atan,
  ceil,
  cos,
  cosh,
  elu,
  erf,
  exp,
  expm1,
  floor,
  gelu,
  hardSwish,
  isFinite,
  isInfinite,
  leakyRelu,
  log,
  log1p,
  neg,
  reciprocal,
  relu,
  round,
  rsqrt,
  sigmoid,
  sign,
  silu,
  sin,
  sinh,
  softplus,
  sqrt,
  square,
  tan,
  tanh,
  trunc,
} from './autograd/ops/unary.ts';
export { broadcastTo, sum, type ReduceOptions } from './autograd/ops/broadcast.ts';
export { cast } from './autograd/ops/cast.ts';
export { clone, concat, pad, reshape, slice, transpose } from './autograd/ops/shape.ts';
export { max, mean, min } from './autograd/ops/reduce.ts';
export {
  all,
  any,
  cumsum,
  logSumExp,
  norm,
  prod,
  std,
  variance,
  type NormOptions,
  type VarianceOptions,
} from './autograd/ops/statistics.ts';
export { argmax, argmin, assign, axpby } from './autograd/ops/no-gradient.ts';
export { chunk, flatten, repeat, split, squeeze, stack, unsqueeze } from './autograd/ops/axes.ts';
export { eye, linspace, tril, triu } from './autograd/ops/diagonals.ts';
export { flip, stridedSlice, type Range } from './autograd/ops/strided.ts';
export { gather, takeAlongAxis } from './autograd/ops/gather.ts';
export { maskedFill, oneHot, scatter, scatterAdd } from './autograd/ops/scatter.ts';
export { nonMaxSuppression, type SuppressionOptions } from './autograd/ops/non-max-suppression.ts';
export { argsort, sort, topK, type Sorted, type SortOptions, type TopKOptions } from './autograd/ops/sort.ts';
export { where } from './autograd/ops/where.ts';
export { scaledDotProductAttention, type AttentionOptions } from './autograd/ops/attention.ts';
export { dropout, type DropoutOptions } from './autograd/ops/dropout.ts';
export { layerNorm } from './autograd/ops/layer-norm.ts';
export { matmul } from './autograd/ops/matmul.ts';
export { einsum } from './autograd/ops/einsum.ts';
export type { Epilogue } from './autograd/ops/epilogue.ts';
export { conv1d, type Conv1dOptions } from './autograd/ops/conv1d.ts';
export { conv2d, type Conv2dOptions, type ConvEpilogue } from './autograd/ops/conv2d.ts';
export { convTranspose2d, type ConvTranspose2dOptions } from './autograd/ops/conv-transpose2d.ts';
export {
  adaptiveAvgPool2d,
  avgPool2d,
  globalAvgPool2d,
  maxPool2d,
  type AvgPoolOptions,
  type PoolOptions,
} from './autograd/ops/pool2d.ts';
export { batchNorm, batchNormInference, groupNorm } from './autograd/ops/normalization.ts';
export { upsampleBilinear, upsampleNearest } from './autograd/ops/upsample.ts';
export { logSoftmax, softmax } from './autograd/ops/softmax.ts';
export {
  bceWithLogits,
  giouLoss,
  huberLoss,
  l1Loss,
  mseLoss,
  sigmoidFocalLoss,
  smoothL1Loss,
  type BceOptions,
  type FocalLossOptions,
  type LossOptions,
  type Reduction,
} from './autograd/ops/losses.ts';
export { crossEntropy, nllLoss, type CrossEntropyOptions, type NllLossOptions } from './autograd/ops/cross-entropy.ts';

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
export {
  AdaptiveAvgPool2d,
  AvgPool2d,
  Conv2d,
  Dropout,
  Embedding,
  Flatten,
  Identity,
  Linear,
  MaxPool2d,
  Sequential,
  Upsample,
  type Conv2dConfig,
} from './nn/layers.ts';
export { ELU, GELU, Hardswish, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Tanh } from './nn/activations.ts';
export { MultiheadAttention, type MultiheadAttentionConfig } from './nn/attention.ts';
export { LSTMCell } from './nn/lstm.ts';
export { Conv1d, ConvTranspose2d, type Conv1dConfig, type ConvConfig, type ConvTranspose2dConfig } from './nn/conv.ts';
export {
  BatchNorm2d,
  FrozenBatchNorm2d,
  GroupNorm,
  LayerNorm,
  type BatchNormConfig,
  convNorm,
  type NormLayer,
} from './nn/norm.ts';
export {
  constant,
  kaimingNormal,
  kaimingUniform,
  normal,
  uniform,
  xavierUniform,
  type Initializer,
} from './nn/init.ts';
export { Recorded, type RecordedOptions, type Tree } from './nn/recorded.ts';
export {
  Adam,
  AdamW,
  Lion,
  Optimizer,
  RMSprop,
  SGD,
  type AdamOptions,
  type LionOptions,
  type OptimizerOptions,
  type ParameterGroup,
  type RMSpropOptions,
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
  type PlateauState,
  type Schedule,
  type SchedulerState,
} from './nn/schedule.ts';
export { clipGradNorm, clipGradValue } from './nn/clip.ts';
export { captureOutputs, type CapturedOutputs } from './nn/capture.ts';
export { ExponentialMovingAverage, type AverageOptions } from './nn/ema.ts';

// RetinaNet
export { presets, retinaNetSpec, type PresetName, type RetinaNetSpec, type SpecOverrides } from './retinanet/spec.ts';
export { RetinaNet, type NetworkOutput, type TrainingBatch, type TrainingLosses } from './retinanet/retinanet.ts';
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
