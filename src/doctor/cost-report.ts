import { totalmem } from 'node:os';
import { GpuOutOfMemoryError } from '../index.ts';
import type { Device, RetinaNetSpec, Size } from '../index.ts';
import { trainedSizes } from './anchor-coverage.ts';
import { networkCost, trainingBytes } from './cost.ts';
import type { NetworkCost } from './cost.ts';
import { measureTraining } from './measure.ts';
import type { MeasuredStep } from './measure.ts';
import type { Finding } from './types.ts';

/** What training a network on images of a usual size takes. */
export interface CostReport {
  /** Height and width of the usual image, and of what the network sees of it, padded. */
  readonly image: Size;
  readonly trained: Size;
  readonly parameters: number;
  /** Billions of multiply-adds of a forward pass of one image; a training step has about three times as many. */
  readonly gigaMacs: number;
  /** The step that was taken, or null where none was. */
  readonly measured: MeasuredStep | null;
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
}

/** Memory of a graphics card where nothing is known: that of common ones. */
const ASSUMED_MEMORY = 8e9;
const BATCHES = [1, 2, 4, 8, 16];

/**
 * Counts, and with a device measures, what training takes. A step of one image is measured; the estimates of memory for
 * larger batches are scaled by how far it was off, and time is taken to grow with the number of images.
 */
export async function costReport(
  spec: RetinaNetSpec,
  classes: number,
  image: Size,
  { device, train, memoryLimit }: CostOptions,
): Promise<{ report: CostReport; findings: Finding[] }> {
  const cost = networkCost(spec, classes, image);
  let measured: MeasuredStep | null = null;
  const findings: Finding[] = [];
  if (device !== null) {
    try {
      measured = await measureTraining(device, spec, classes, image, 1);
    } catch (error) {
      if (!(error instanceof GpuOutOfMemoryError)) throw error;
      findings.push({
        severity: 'error',
        kind: 'device-memory',
        where: device.adapter.name,
        message: `A training step of one image does not fit into the device's memory: ${error.message}`,
        remedy: 'Use smaller images or tiles, a smaller model, or backbone.checkpoint',
        count: 1,
        examples: [],
      });
    }
  }
  const software = device?.adapter.kind === 'software';
  return {
    findings,
    report: {
      image,
      trained: trainedSizes(image, spec).padded,
      parameters: cost.parameters,
      gigaMacs: cost.macs / 1e9,
      measured,
      batches: batchCosts(cost, train, measured === null ? null : { step: measured, cost }),
      memoryLimit: memoryLimit ?? (software ? totalmem() * 0.6 : ASSUMED_MEMORY),
      limitIsAssumed: memoryLimit === undefined && !software,
    },
  };
}

/**
 * A report for another image size or other anchors, from what was counted and measured for `report`: memory is off by as
 * much, and time grows with the multiply-adds.
 */
export function extrapolate(
  report: CostReport,
  before: RetinaNetSpec,
  after: RetinaNetSpec,
  classes: number,
  image: Size,
  train: number,
): CostReport {
  const cost = networkCost(after, classes, image);
  const { measured } = report;
  return {
    ...report,
    image,
    trained: trainedSizes(image, after).padded,
    parameters: cost.parameters,
    gigaMacs: cost.macs / 1e9,
    batches: batchCosts(
      cost,
      train,
      measured === null ? null : { step: measured, cost: networkCost(before, classes, report.image) },
    ),
  };
}

/** Costs of batches of a network, corrected by a step that was measured of one of another cost. */
function batchCosts(
  cost: NetworkCost,
  train: number,
  known: { readonly step: MeasuredStep; readonly cost: NetworkCost } | null,
): BatchCost[] {
  const correction = known === null ? 1 : known.step.peakBytes / trainingBytes(known.cost, known.step.batch);
  const imageSeconds = known === null ? null : (known.step.seconds / known.step.batch) * (cost.macs / known.cost.macs);
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
