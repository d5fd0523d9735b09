import type { BoxSizes } from '../charts/box-sizes.ts';
import type { LossRecord, ValidationRecord } from '../charts/charts.ts';
import type { Judgement } from '../../evaluation/judgement.ts';

/** An evaluation during training, as in metrics.jsonl. */
export interface TrainingEvaluation extends ValidationRecord {
  /** At the score threshold with the best F1. */
  readonly precision?: number | null;
  readonly recall?: number | null;
  readonly threshold?: number | null;
}

/** The value of a fact about a run. */
export type FactValue = string | number | boolean | null | undefined;

/** Facts with a common heading: the configuration, the adapter, versions, durations, the data, the sizes of the split. */
export interface FactGroup {
  readonly heading: string;
  readonly rows: readonly (readonly [name: string, value: FactValue])[];
}

/** A picture that is part of the page. */
export interface ReportPicture {
  /** A `data:image/...;base64,` URI: see `pngDataUri`. */
  readonly src: string;
  /** See `exampleCaption`. */
  readonly caption: string;
  /** Description for screen readers. */
  readonly alt: string;
}

/** How to reproduce the result. */
export interface Reproduction {
  /** Commands for a shell, in order, one per line. */
  readonly commands: readonly string[];
  readonly seed?: number | string | null;
  /** Input and output files. */
  readonly files?: readonly { readonly file: string; readonly sha256: string }[];
  /** What the commands do not say. */
  readonly notes?: readonly string[];
}

/** The contents of a report: plain data, all of it optional except the title. */
export interface RunReport {
  readonly title: string;
  /** One or two sentences below the title: what was trained, on which data. */
  readonly summary?: string;
  /** What must be known to interpret the numbers: a leak between the splits, few images, an interrupted run. */
  readonly warnings?: readonly string[];
  /** How detections compare with the ground truth. */
  readonly judgement?: Judgement;
  /** The log of training. */
  readonly training?: {
    readonly steps: readonly LossRecord[];
    readonly evaluations?: readonly TrainingEvaluation[];
  };
  readonly boxSizes?: BoxSizes;
  /** Pictures of the images that `chooseExamples` returns. */
  readonly pictures?: {
    readonly best?: readonly ReportPicture[];
    readonly worst?: readonly ReportPicture[];
    readonly missed?: readonly ReportPicture[];
  };
  readonly facts?: readonly FactGroup[];
  readonly reproduction?: Reproduction;
}
