import type { Dataset } from '../data/types.ts';
import type { DetectorDescription } from '../detector/detector.ts';
import type { ImageResult } from '../detector/evaluate.ts';
import type { Evaluation } from '../evaluation/detection-metrics.ts';
import type { HostTensor } from '../nn/module.ts';
import type { AdapterDescription } from '../tensor/device-options.ts';
import type { SafetensorsFile } from '../weights/safetensors.ts';
import type { StepLosses } from './trainer.ts';

/** A training step, as a line of metrics.jsonl. */
export interface StepRecord extends StepLosses {
  readonly kind: 'step';
  /** Number of the step, from 1. */
  readonly step: number;
  readonly epoch: number;
  /** Learning rate of pyramid and heads. */
  readonly learningRate: number;
  /** Mean over the epoch so far, without pauses of the process. */
  readonly imagesPerSecond: number;
  /**
   * Seconds that the step waited for its samples. If they are a large part of the time of a step, reading is the
   * bottleneck.
   */
  readonly waitSeconds: number;
}

/** An evaluation on held-out samples, as a line of metrics.jsonl. */
export interface EvaluationRecord {
  readonly kind: 'evaluation';
  readonly step: number;
  readonly epoch: number;
  /** At `threshold`, the score threshold with the highest F1. */
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
  readonly threshold: number;
  /** Mean over classes; null without ground truth. */
  readonly averagePrecision: number | null;
  readonly images: number;
  readonly truths: number;
  /** Mean difficulty of the empty samples on which the detector ran (`difficultyOf`). Only with `hardNegatives`. */
  readonly hardness?: number;
}

export type RunRecord = StepRecord | EvaluationRecord;

/** How far the state of a resumed run reaches. */
export interface ReachedSteps {
  readonly steps: number;
  /** 0 for none. */
  readonly lastEvaluatedStep: number;
}

/** Storage of a training run: `RunFolder` stores it on disk, `MemoryRun` in memory, for browsers and tests. */
export interface RunStore {
  /** Path or name, for messages. */
  readonly path: string;
  /** Whether there is a state to resume from. */
  readonly hasState: boolean;
  /** Whether a run has written anything here. */
  readonly isUsed: boolean;
  /** All records so far. */
  readonly records: readonly RunRecord[];
  /**
   * Reserves the storage until the returned function is called, and removes what a killed process left incomplete. Throws an
   * Error if another process has reserved it. Called before anything else is written.
   */
  acquire(): () => void;
  /**
   * Called once before the first step, with the number of steps that a resumed run has taken and the number of states to keep.
   */
  begin(adapter: AdapterDescription, options: BeginOptions): void;
  append(record: RunRecord): void;
  /** Reads the records of a resumed run and drops those that will be computed again. */
  restoreRecords(reached: ReachedSteps, onWarning: OnWarning): void;
  /** Saves everything needed to resume, atomically, and the records so far. Keeps `BeginOptions.keepStates` states. */
  saveState(tensors: ReadonlyMap<string, HostTensor>, metadata: Readonly<Record<string, string>>): void;
  /**
   * The last state that `saveState` saved, or the one before if that is damaged, which is a warning; null if there is none.
   * Throws an Error if all are damaged.
   */
  loadState(onWarning: OnWarning): SafetensorsFile | null;
  saveDetector(
    which: 'best' | 'last',
    weights: ReadonlyMap<string, HostTensor>,
    description: DetectorDescription,
  ): void;
  /** Whether the detector that `saveDetector` saved is there and whole. */
  hasDetector(which: 'best' | 'last'): boolean;
  /** Called after an evaluation that is the best so far. */
  saveResults(dataset: Dataset, evaluation: Evaluation, images: readonly ImageResult[]): Promise<void>;
}

/** Receives what did not end a run, in one sentence. */
export type OnWarning = (text: string) => void;

/** Options of `RunStore.begin`. */
export interface BeginOptions {
  readonly steps: number;
  readonly keepStates: number;
  readonly tensorboard: boolean;
  readonly onWarning: OnWarning;
}
