import type { LabelProblem } from './types.ts';

/** Takes the problems of a label file; the entries that have them are skipped. */
export type OnProblem = (problem: LabelProblem) => void;

/** Says that something does not make sense: throws, or hands it on and returns. */
export type Report = (kind: LabelProblem['kind'], source: string, message: string) => void;

/** Options that all readers of label text share. */
export interface ParseOptions {
  /** Name of the file, for messages. */
  readonly name: string;
  /** Names of the classes in the order of the labels; others are a problem. Default: as the file has them. */
  readonly classes?: readonly string[] | undefined;
  /** Without it the first problem is thrown as an Error that starts with its source. */
  readonly onProblem?: OnProblem | undefined;
}

/** The `Report` that throws `source: message` where nobody listens. */
export function reporter(onProblem?: OnProblem): Report {
  return (kind, source, message) => {
    if (onProblem === undefined) throw new Error(`${source}: ${message}`);
    onProblem({ kind, source, message });
  };
}

/** Value of a file as it stands in a message: JSON, cut after 60 characters. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
