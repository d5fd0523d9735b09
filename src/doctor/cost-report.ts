import { GpuOutOfMemoryError } from '../tensor/errors.ts';
import type { Device } from '../tensor/device.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import type { Size } from '../retinanet/anchors.ts';
import { trainedSizes } from '../detector/anchor-coverage.ts';
import { networkCost, trainingBytes, type NetworkCost } from './cost.ts';
import { measureTraining, type MeasuredStep } from './measure.ts';
import type { Finding } from './types.ts';

/** Memory and time that training a network takes on images of one size. */
export interface CostReport {
  /** Height and width of an image before resizing, and after resizing and padding. */
  readonly image: Size;
  readonly trained: Size;
  readonly parameters: number;
  /** Billions of multiply-adds of a forward pass of one image; a training step has about three times as many. */
  readonly gigaMacs: number;
  /** A measured step, with the cost of the network and the padded size that it was measured at; null without a device. */
  readonly measured: (MeasuredStep & { readonly cost: NetworkCost; readonly trained: Size }) | null;
  /** Costs of some batch sizes, in ascending order. */
  readonly batches: readonly BatchCost[];
  /** Maximum number of bytes on the device. */
  readonly memoryLimit: number;
  /** Whether the limit is a guess: WebGPU does not report how much memory a GPU has. */
  readonly limitIsAssumed: boolean;
}

interface BatchCost {
  readonly batch: number;
  /** Peak memory. */
  readonly bytes: number;
  /** Null if no step was measured. */
  readonly stepSeconds: number | null;
  readonly epochSeconds: number | null;
}

export interface CostOptions {
  /** The device to measure a step on; null estimates from the network alone. */
  readonly device: Device | null;
  /** Images per epoch. */
  readonly train: number;
  /** Memory of the device in bytes. Default: 8 GB are assumed. */
  readonly memoryLimit?: number | undefined;
  /** What to measure the step with if whole images would be too large. Default: `spec` and `image`. */
  readonly stepWith?: { readonly spec: RetinaNetSpec; readonly image: Size };
}

/** That of common graphics cards. */
const ASSUMED_MEMORY = 8e9;
const BATCHES = [1, 2, 4, 8, 16];

/**
 * Estimates, or with a device measures, what training takes. A step with one image is measured; the memory of larger
 * batches is estimated and corrected by the error of the estimate for that step, and time is assumed to be proportional to
 * the number of images.
 */
export async function costReport(
  spec: RetinaNetSpec,
  classes: number,
  image: Size,
  { device, train, memoryLimit, stepWith = { spec, image } }: CostOptions,
): Promise<{ report: CostReport; findings: Finding[] }> {
  const step = device === null ? null : await measureStep(device, classes, stepWith.spec, stepWith.image);
  const measured = step instanceof GpuOutOfMemoryError ? null : step;
  const report: CostReport = {
    ...estimate(spec, classes, image, train, measured),
    measured,
    memoryLimit: memoryLimit ?? ASSUMED_MEMORY,
    limitIsAssumed: memoryLimit === undefined,
  };
  const where = device?.adapter.name ?? 'device';
  if (step instanceof GpuOutOfMemoryError) {
    const message = `A training step with one image does not fit into the memory of the device: ${step.message}`;
    return { report, findings: [outOfMemory(where, message)] };
  }
  const { bytes } = report.batches[0]!;
  const isTooLarge = bytes > report.memoryLimit && !report.limitIsAssumed;
  const message = `A training step with one image of ${image[1]} x ${image[0]} pixels needs about ${gigabytes(bytes)} of ${gigabytes(report.memoryLimit)}`;
  return { report, findings: isTooLarge ? [outOfMemory(where, message)] : [] };
}

/** A measured step with one image, or the error that it does not fit into the memory. */
async function measureStep(
  device: Device,
  classes: number,
  spec: RetinaNetSpec,
  image: Size,
): Promise<CostReport['measured'] | GpuOutOfMemoryError> {
  try {
    const step = await measureTraining(device, spec, classes, image, 1);
    return { ...step, cost: networkCost(spec, classes, image), trained: trainedSizes(image, spec).padded };
  } catch (error) {
    if (error instanceof GpuOutOfMemoryError) return error;
    throw error;
  }
}

const outOfMemory = (where: string, message: string): Finding => ({
  severity: 'error',
  kind: 'device-memory',
  where,
  message,
  remedy: 'Use smaller images or tiles, a smaller model, or backbone.checkpoint',
  count: 1,
  examples: [],
});

/** A number of bytes in MB or GB. */
export function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** A time in s, min or h. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(0)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/**
 * The report for another image size, with the same measured step: the estimate of memory is corrected by the same factor,
 * and time is proportional to the multiply-adds.
 */
export function extrapolate(
  report: CostReport,
  spec: RetinaNetSpec,
  classes: number,
  image: Size,
  train: number,
): CostReport {
  return { ...report, ...estimate(spec, classes, image, train, report.measured) };
}

function estimate(
  spec: RetinaNetSpec,
  classes: number,
  image: Size,
  train: number,
  measured: CostReport['measured'],
): Omit<CostReport, 'measured' | 'memoryLimit' | 'limitIsAssumed'> {
  const cost = networkCost(spec, classes, image);
  return {
    image,
    trained: trainedSizes(image, spec).padded,
    parameters: cost.parameters,
    gigaMacs: cost.macs / 1e9,
    batches: batchCosts(cost, train, measured),
  };
}

/** Costs of batches of a network, corrected by a measured step of a network that may have another cost. */
function batchCosts(cost: NetworkCost, train: number, measured: CostReport['measured']): BatchCost[] {
  const correction = measured === null ? 1 : measured.peakBytes / trainingBytes(measured.cost, measured.batch);
  const imageSeconds =
    measured === null ? null : (measured.seconds / measured.batch) * (cost.macs / measured.cost.macs);
  return BATCHES.map((batch): BatchCost => {
    const stepSeconds = imageSeconds === null ? null : imageSeconds * batch;
    const steps = Math.max(1, Math.floor(train / batch));
    return {
      batch,
      bytes: Math.round(trainingBytes(cost, batch) * correction),
      stepSeconds,
      epochSeconds: stepSeconds === null ? null : stepSeconds * steps,
    };
  });
}
