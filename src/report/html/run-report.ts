import type { BoxSizes } from '../charts/box-sizes.ts';
import type { LossRecord, ValidationRecord } from '../charts/charts.ts';
import type { Judgement } from '../../evaluation/judgement.ts';

/** An evaluation during training, as metrics.jsonl has it. */
export interface TrainingEvaluation extends ValidationRecord {
  /** At the score threshold of the best F1. */
  readonly precision?: number | null;
  readonly recall?: number | null;
  readonly threshold?: number | null;
}

/** A value among the facts of a run. */
export type FactValue = string | number | boolean | null | undefined;

/** Facts under a heading of their own, such as the configuration, the adapter, versions, durations, data, split sizes. */
export interface FactGroup {
  readonly heading: string;
  readonly rows: readonly (readonly [name: string, value: FactValue])[];
}

/** A picture that is part of the page. */
export interface ReportPicture {
  /** A `data:image/...;base64,` address: see `pngDataUri`. */
  readonly src: string;
  /** Such as `exampleCaption` makes. */
  readonly caption: string;
  /** What is to be seen, for those who cannot. */
  readonly alt: string;
}

/** How the same result is had again. */
export interface Reproduction {
  /** Commands for a shell, in order, one per line. */
  readonly commands: readonly string[];
  readonly seed?: number | string | null;
  /** Files that went in or came out. */
  readonly files?: readonly { readonly file: string; readonly sha256: string }[];
  /** Anything that the commands do not say. */
  readonly notes?: readonly string[];
}

/** What a report shows: plain data, all of it optional but the title. */
export interface RunReport {
  readonly title: string;
  /** One or two sentences below the title, such as what was trained on what. */
  readonly summary?: string;
  /** What the reader must know before the numbers: a leak between the splits, few images, a run that was cut short. */
  readonly warnings?: readonly string[];
  /** How detections compare with the truth. */
  readonly judgement?: Judgement;
  /** The course of training. */
  readonly training?: {
    readonly steps: readonly LossRecord[];
    readonly evaluations?: readonly TrainingEvaluation[];
  };
  readonly boxSizes?: BoxSizes;
  /** Pictures of images that `chooseExamples` chose. */
  readonly pictures?: {
    readonly best?: readonly ReportPicture[];
    readonly worst?: readonly ReportPicture[];
    readonly missed?: readonly ReportPicture[];
  };
  readonly facts?: readonly FactGroup[];
  readonly reproduction?: Reproduction;
}
