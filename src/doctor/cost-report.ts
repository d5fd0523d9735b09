import { totalmem } from 'node:os';
import { GpuOutOfMemoryError } from '../tensor/errors.ts';
import type { Device } from '../tensor/device.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import type { Size } from '../retinanet/anchors.ts';
import { trainedSizes } from '../detector/anchor-coverage.ts';
import { networkCost, trainingBytes, type NetworkCost } from './cost.ts';
import { measureTraining, type MeasuredStep } from './measure.ts';
import type { Finding } from './types.ts';

/** What training a network on images of a usual size takes. */
export interface CostReport {
  /** Height and width of the usual image, and of what the network sees of it, padded. */
  readonly image: Size;
  readonly trained: Size;
  readonly parameters: number;
  /** Billions of multiply-adds of a forward pass of one image; a training step has about three times as many. */
  readonly gigaMacs: number;
  /** The step that was taken, with the network's cost and the size that it saw then; null where none was taken. */
  readonly measured: (MeasuredStep & { readonly cost: NetworkCost; readonly trained: Size }) | null;
  /** Peak memory, and seconds of a step and of an epoch; seconds are null where nothing was measured. */
  readonly batches: readonly BatchCost[];
  /** Most bytes to hold on the device. */
  readonly memoryLimit: number;
  /** Whether the limit is a guess: WebGPU does not tell how much memory a GPU has. */
  readonly limitIsAssumed: boolean;
}

export interface BatchCost {
  readonly batch: number;
  readonly bytes: number;
  readonly stepSeconds: number | null;
  readonly epochSeconds: number | null;
}

export interface CostOptions {
  /** The device to take a step on; null estimates from the network alone. */
  readonly device: Device | null;
  /** Images of an epoch. */
  readonly train: number;
  /** Bytes of the device's memory, where they are known. Default: 60 % of the computer's on a software adapter, else 8 GB. */
  readonly memoryLimit?: number | undefined;
  /** What the step is taken with, where the images as they are would be too large. Default: `spec` and `image`. */
  readonly stepWith?: { readonly spec: RetinaNetSpec; readonly image: Size };
}

/** Memory of a graphics card where nothing is known: that of common ones. */
const ASSUMED_MEMORY = 8e9;
/** Share of the computer's memory that `init` lets a software adapter hold. */
const SOFTWARE_SHARE = 0.6;
const BATCHES = [1, 2, 4, 8, 16];

/**
 * Counts, and with a device measures, what training takes. A step of one image is measured; the estimates of memory for
 * larger batches are scaled by how far it was off, and time is taken to grow with the number of images.
 */
export async function costReport(
  spec: RetinaNetSpec,
  classes: number,
  image: Size,
  { device, train, memoryLimit, stepWith = { spec, image } }: CostOptions,
): Promise<{ report: CostReport; findings: Finding[] }> {
  const cost = networkCost(spec, classes, image);
  let measured: CostReport['measured'] = null;
  const findings: Finding[] = [];
  if (device !== null) {
    try {
      const step = await measureTraining(device, stepWith.spec, classes, stepWith.image, 1);
      measured = {
        ...step,
        cost: networkCost(stepWith.spec, classes, stepWith.image),
        trained: trainedSizes(stepWith.image, stepWith.spec).padded,
      };
    } catch (error) {
      if (!(error instanceof GpuOutOfMemoryError)) throw error;
      const message = `A training step of one image does not fit into the device's memory: ${error.message}`;
      findings.push(outOfMemory(device.adapter.name, message));
    }
  }
  const software = device?.adapter.kind === 'software';
  const report: CostReport = {
    image,
    trained: trainedSizes(image, spec).padded,
    parameters: cost.parameters,
    gigaMacs: cost.macs / 1e9,
    measured,
    batches: batchCosts(cost, train, measured),
    memoryLimit: memoryLimit ?? (software ? totalmem() * SOFTWARE_SHARE : ASSUMED_MEMORY),
    limitIsAssumed: memoryLimit === undefined && !software,
  };
  const bytes = report.batches[0]?.bytes ?? 0;
  if (findings.length === 0 && bytes > report.memoryLimit && !report.limitIsAssumed) {
    findings.push(
      outOfMemory(
        device?.adapter.name ?? 'device',
        `A training step of one image of ${image[1]} x ${image[0]} pixels takes about ${gigabytes(bytes)} of ${gigabytes(report.memoryLimit)}`,
      ),
    );
  }
  return { report, findings };
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

/** Bytes in the unit that fits. */
export function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/**
 * A report for another image size, from what was counted and measured for `report`: memory is off by as much, and time
 * grows with the multiply-adds.
 */
export function extrapolate(
  report: CostReport,
  spec: RetinaNetSpec,
  classes: number,
  image: Size,
  train: number,
): CostReport {
  const cost = networkCost(spec, classes, image);
  return {
    ...report,
    image,
    trained: trainedSizes(image, spec).padded,
    parameters: cost.parameters,
    gigaMacs: cost.macs / 1e9,
    batches: batchCosts(cost, train, report.measured),
  };
}

/** Costs of batches of a network, corrected by a step that was measured of one of another cost. */
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
