import { counted } from '../common/check.ts';
import type { LabelProblem } from '../labels/types.ts';
import { findingAt, type Finding } from './types.ts';

/** What to say about each kind of problem. Degenerate boxes are reported with the other boxes (`checkBoxes`). */
const TEXTS: readonly (readonly [kind: LabelProblem['kind'], one: string, many: string, remedy: string])[] = [
  ['syntax', 'entry cannot be parsed', 'entries cannot be parsed', 'Correct these entries: they are skipped'],
  [
    'number',
    'entry has a coordinate that is not a finite number',
    'entries have a coordinate that is not a finite number',
    'Correct the coordinates: use decimal points and no units',
  ],
  [
    'class',
    'entry has a class that is not among the class names',
    'entries have a class that is not among the class names',
    'Add the class to the class names, or correct its spelling',
  ],
  [
    'image',
    'entry refers to an image that does not exist',
    'entries refer to images that do not exist',
    'Correct the paths, which are relative to the folder of the images',
  ],
];

/** Findings about the problems that the reader of the labels reported. */
export function checkProblems(problems: readonly LabelProblem[]): Finding[] {
  return TEXTS.flatMap(([kind, one, many, remedy]) => {
    const ofKind = problems.filter((problem) => problem.kind === kind);
    return findingAt({
      severity: 'error',
      kind: `label-${kind}`,
      locations: ofKind.map(({ origin, reason }) => `${origin}: ${reason}`),
      message: counted(ofKind.length, one, many),
      remedy,
      where: ofKind[0]?.origin,
    });
  });
}

/** Findings about what the reader of the labels left out or interpreted. */
export function checkNotes(notes: readonly string[]): Finding[] {
  return findingAt({
    severity: 'note',
    kind: 'label-note',
    locations: notes,
    message: `${counted(notes.length, 'note', 'notes')} on how the labels were read`,
    remedy: 'Check that this is what you mean: training reads the labels in the same way',
    where: 'labels',
  });
}
