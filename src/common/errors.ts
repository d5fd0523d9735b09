import { printableLine } from './printable.ts';

/** Thrown when work that has begun cannot go on. The message is `op: reason`. */
export class RunError extends Error {
  override readonly name: string = 'RunError';
  /** Name of the called function, for example `trainDetector`. */
  readonly op: string;
  readonly reason: string;

  constructor(op: string, reason: string, options: ErrorOptions = {}) {
    super(`${op}: ${reason}`, options);
    this.op = op;
    this.reason = reason;
  }
}

/**
 * Thrown when a training cannot recover: its loss, its weights or its detections are no longer finite. Where a step is
 * concerned, `cause` is the `AnomalyError` of its first operation with such values.
 */
export class DivergedError extends RunError {
  override readonly name = 'DivergedError';
  /** Steps taken until it was noticed. */
  readonly step: number;

  constructor(op: string, reason: string, step: number, options: ErrorOptions = {}) {
    super(op, reason, options);
    this.step = step;
  }
}

/** Thrown when a network gives NaN. */
export class NotFiniteError extends Error {
  override readonly name = 'NotFiniteError';
}

/** Optional parts of an `InputError`. */
export interface InputErrorDetails {
  /** The file that the reason is about. */
  readonly file?: string;
  /** The option of `op` that solves the problem; `remedy` is the phrase before its name. */
  readonly option?: string;
  readonly remedy?: string;
  readonly cause?: unknown;
}

/** Thrown when a file or folder cannot be read or written as requested. The parts of the message are fields. */
export class InputError extends Error {
  override readonly name = 'InputError';
  /** Name of the called function, for example `readLabels`. */
  readonly op: string;
  readonly reason: string;
  readonly file: string | undefined;
  /**
   * The option of `op` that solves the problem, for example `images`, and the phrase before it ("give the folder
   * with").
   */
  readonly option: string | undefined;
  readonly remedy: string | undefined;

  constructor(op: string, reason: string, details: InputErrorDetails = {}) {
    const { file, option, remedy, cause } = details;
    super(`${op}: ${sentence(reason, details, inCode)}`, cause === undefined ? {} : { cause });
    this.op = op;
    this.reason = reason;
    this.file = file;
    this.option = option;
    this.remedy = remedy;
  }

  /**
   * The message without the name of the function. `write` formats the name of the option; the default adds backticks.
   */
  explain(write: (option: string) => string = inCode): string {
    return sentence(this.reason, this, write);
  }
}

const inCode = (option: string): string => `\`${option}\``;

function sentence(
  reason: string,
  { file, option, remedy }: { readonly [Key in 'file' | 'option' | 'remedy']?: string | undefined },
  write: (option: string) => string,
): string {
  const start = file === undefined ? reason : `${printableLine(file)}: ${reason}`;
  return option === undefined ? start : `${start}; ${remedy ?? 'use'} ${write(option)}`;
}
