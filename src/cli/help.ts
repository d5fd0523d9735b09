import { wrap } from '../common/wrap.ts';
import { summaries, type CommandName } from './summaries.ts';
import type { Option, OptionTable } from './options.ts';

/** Columns of a help text. */
const WIDTH = 120;

/** The parts of a command's help that its options do not tell. */
export interface HelpText {
  /** Lines of the usage. */
  readonly usage: string;
  /** Paragraphs before the options. */
  readonly about: string;
  /** Paragraphs after the options. */
  readonly details?: string;
  /** What each exit status means, if not as in `STATUSES`. */
  readonly exit?: Readonly<Record<number, string>>;
  /** Command lines as a user types them, with a comment or without. */
  readonly examples: readonly (readonly [line: string, comment?: string])[];
}

const STATUSES = { 0: 'success', 1: 'failure', 2: 'invalid command line' } as const;

/** The help of a command. */
export function helpOf(name: CommandName, { usage, about, details, exit, examples }: HelpText, table: OptionTable) {
  const paragraphs = [
    wrap(`retinagrad ${name}: ${summaries[name]}.`, WIDTH).join('\n'),
    `Usage:\n${indented(usage)}`,
    reflow(about),
    `Options:\n${optionsHelp(table)}`,
    ...(details === undefined ? [] : [reflow(details)]),
    exitHelp({ ...STATUSES, ...exit }),
    `Examples:\n${rows(examples.map(([line, comment = '']) => [line, comment]))}`,
  ];
  return `${paragraphs.join('\n\n')}\n`;
}

/** Wraps each paragraph, except those with indented lines, such as tables. */
const reflow = (text: string): string =>
  text
    .trim()
    .split('\n\n')
    .map((paragraph) => (/^ /m.test(paragraph) ? paragraph : wrap(paragraph.replaceAll('\n', ' '), WIDTH).join('\n')))
    .join('\n\n');

const indented = (text: string): string => text.trim().replaceAll(/^(?=.)/gm, '  ');

/** `Exit status: 0 success, 1 failure, ...` */
export function exitHelp(statuses: Readonly<Record<number, string>>): string {
  const list = Object.entries(statuses).map(([status, meaning]) => `${status} ${meaning}`);
  return wrap(`Exit status: ${list.join(', ')}.`, WIDTH).join('\n');
}

/** A row for each option: name, value, description and default. */
export function optionsHelp(table: OptionTable): string {
  return rows(Object.entries(table).map(([name, option]) => [headOf(name, option), descriptionOf(option)]));
}

const headOf = (name: string, { value, short }: Option<unknown>): string =>
  `--${name}${short === undefined ? '' : `, -${short}`}${value === null ? '' : ` ${value}`}`;

const descriptionOf = ({ about, otherwise }: Option<unknown>): string =>
  otherwise === null ? about : `${about} (default: ${otherwise})`;

/** Two columns; the text of the second is wrapped. */
export function rows(pairs: readonly (readonly [head: string, text: string])[], indent = '  '): string {
  const width = Math.max(...pairs.map(([head, text]) => (text === '' ? 0 : head.length)));
  return pairs
    .map(([head, text]) => {
      const lines = wrap(text, WIDTH - indent.length - width - 2);
      return lines.map((line, i) => `${indent}${(i === 0 ? head : '').padEnd(width)}  ${line}`.trimEnd()).join('\n');
    })
    .join('\n');
}
