import type { LabelProblem } from '../labels/types.ts';
import { findingAt, type Finding } from './types.ts';
import { counted } from '../common/check.ts';

/** What the reader of the labels could not make sense of. Degenerate boxes are with the other boxes (`checkBoxes`). */
const TEXTS: readonly (readonly [LabelProblem['kind'], string, string, string])[] = [
  ['syntax', 'entry cannot be read', 'entries cannot be read', 'Correct the lines; they are left out'],
  [
    'number',
    'entry has a coordinate that is no finite number',
    'entries have a coordinate that is no finite number',
    'Correct them: decimal points, no units',
  ],
  [
    'class',
    'entry has a class that is not among the names',
    'entries have a class that is not among the names',
    'Add it to the class names or correct its spelling',
  ],
  [
    'image',
    'entry is for an image that does not exist',
    'entries are for images that do not exist',
    'Correct the paths; they are relative to the folder of the images',
  ],
];

/** Findings about what the reader of the labels reported. */
export function checkProblems(problems: readonly LabelProblem[]): Finding[] {
  return TEXTS.flatMap(([kind, one, many, remedy]) => {
    const own = problems.filter((problem) => problem.kind === kind);
    const places = own.map(({ origin, reason }) => `${origin}: ${reason}`);
    return findingAt('error', `label-${kind}`, places, counted(own.length, one, many), remedy, own[0]?.origin);
  });
}
