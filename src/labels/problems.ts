import { reasonOf } from '../common/check.ts';
import { printableLine } from '../common/printable.ts';
import type { Box } from '../imagery/geometry.ts';
import type { LabelProblem, Origin } from './types.ts';

/** Receives the problems of a label file; the entries that have them are skipped. */
export type OnProblem = (problem: LabelProblem) => void;

/** Reports something invalid: throws a `LabelError`, or passes the problem on and returns null. */
export type Report = (kind: LabelProblem['kind'], origin: Origin, reason: string, box?: Box) => null;

/** Options of all parsers of label text. */
export interface ParseOptions {
  /** Name of the file, for messages. */
  readonly name: string;
  /** Names of the classes in the order of the labels; others are a problem. Default: the classes of the file. */
  readonly classes?: readonly string[] | undefined;
  /** Receives every problem. Default: the first one is thrown as a `LabelError`. */
  readonly onProblem?: OnProblem | undefined;
}

/** A label file or an entry of it that cannot be read. */
export class LabelError extends Error {
  override readonly name = 'LabelError';
  readonly problem: LabelProblem;

  constructor(
    kind: LabelProblem['kind'],
    origin: Origin,
    reason: string,
    details: { box?: Box; cause?: unknown } = {},
  ) {
    const { box, cause } = details;
    super(`${originText(origin)}: ${reason}`, cause === undefined ? {} : { cause });
    this.problem = problemAt(kind, origin, reason, box);
  }
}

const problemAt = (kind: LabelProblem['kind'], origin: Origin, reason: string, box: Box | undefined): LabelProblem => ({
  kind,
  ...origin,
  origin: originText(origin),
  reason,
  ...(box === undefined ? {} : { box }),
});

/** A place as text: `boxes.csv:12`, or `instances.json: annotations[1] (id 8)`. */
export function originText({ file, line, entry }: Origin): string {
  const name = printableLine(file);
  const start = line === undefined ? name : `${name}:${line}`;
  return entry === undefined ? start : `${start}: ${entry}`;
}

/** The `Report` that calls `onProblem`, or throws if there is none. */
export function reporter(onProblem?: OnProblem): Report {
  return (kind, origin, reason, box) => {
    if (onProblem === undefined) throw new LabelError(kind, origin, reason, box === undefined ? {} : { box });
    // Without an Error, whose stack trace takes longer than all else: a file may have a million problems.
    onProblem(problemAt(kind, origin, reason, box));
    return null;
  };
}

/** Reports an error that was caught while `origin` was read. A `LabelError` keeps its own place. */
export function reportError(error: unknown, origin: Origin, onProblem: OnProblem | undefined): void {
  const found =
    error instanceof LabelError ? error : new LabelError('syntax', origin, reasonOf(error), { cause: error });
  if (onProblem === undefined) throw found;
  onProblem(found.problem);
}

/** A value for a message: JSON, cut after 60 characters. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
