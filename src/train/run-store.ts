import type { Dataset } from '../data/types.ts';
import type { DetectorDescription } from '../detector/detector.ts';
import type { ImageResult } from '../detector/evaluate.ts';
import type { Evaluation } from '../evaluation/detection-metrics.ts';
import type { HostTensor } from '../nn/module.ts';
import type { AdapterDescription } from '../tensor/device.ts';
import type { SafetensorsFile } from '../weights/safetensors.ts';
import type { StepLosses } from './trainer.ts';

/** A training step, as a line of metrics.jsonl. */
export interface StepRecord extends StepLosses {
  readonly kind: 'step';
  /** Steps taken, from 1. */
  readonly step: number;
  readonly epoch: number;
  /** Of pyramid and heads. */
  readonly learningRate: number;
  /** Mean of the epoch so far. */
  readonly imagesPerSecond: number;
  /** Seconds that the step waited for its samples: a large part of a step's time means that reading is too slow. */
  readonly waitSeconds: number;
}

/** An evaluation on held-out samples, as a line of metrics.jsonl. */
export interface EvaluationRecord {
  readonly kind: 'evaluation';
  readonly step: number;
  readonly epoch: number;
  /** At the score threshold of the best F1. */
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
  readonly threshold: number;
  /** Mean over classes; null without ground-truth boxes. */
  readonly averagePrecision: number | null;
  readonly images: number;
  readonly truths: number;
  /** Mean over the empty samples that were detected on of the highest score in each; with `hardNegatives` only. */
  readonly hardness?: number;
}

export type RunRecord = StepRecord | EvaluationRecord;

/**
 * Where a training run keeps what it makes. `RunFolder` is one on disk, `MemoryRun` one in memory, for browsers and tests.
 */
export interface RunStore {
  /** Name of the place, for messages. */
  readonly path: string;
  /** Whether `loadState` has something to resume from. */
  readonly hasState: boolean;
  /** Whether a run has written anything here. */
  readonly isUsed: boolean;
  /** All records so far. */
  readonly records: readonly RunRecord[];
  /** Called once before the first step, with the steps taken by the run that is resumed. */
  begin(adapter: AdapterDescription, options: { readonly steps: number; readonly tensorboard: boolean }): void;
  append(record: RunRecord): void;
  /** Reads the records of a run that is resumed, and drops those after `steps`, which will be made again. */
  restoreRecords(steps: number): void;
  /** Everything that resuming needs. Written as a whole or not at all. */
  saveState(tensors: ReadonlyMap<string, HostTensor>, metadata: Readonly<Record<string, string>>): void;
  /** What `saveState` kept; null if there is none. */
  loadState(): SafetensorsFile | null;
  saveDetector(
    which: 'best' | 'last',
    weights: ReadonlyMap<string, HostTensor>,
    description: DetectorDescription,
  ): void;
  /** Called when the weights are the best so far. */
  saveResults(dataset: Dataset, evaluation: Evaluation, images: readonly ImageResult[]): Promise<void>;
}
