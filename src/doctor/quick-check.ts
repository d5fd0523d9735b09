import { checkBoxes } from './box-checks.ts';
import { checkClasses } from './class-checks.ts';
import { checkImages } from './image-checks.ts';
import { checkPlacement } from './placement-checks.ts';
import type { Finding, Inventory } from './types.ts';

/**
 * The findings about one data set that follow from its labels and the headers of its image files, errors first: what would
 * end a training, or make it learn the wrong thing. Notes are left out.
 */
export function quickCheck(inventory: Inventory): Finding[] {
  const found = [
    ...checkImages(inventory, { isStretched: true }),
    ...checkPlacement(inventory),
    ...checkBoxes(inventory),
    ...checkClasses(inventory.table),
  ];
  const of = (severity: Finding['severity']): Finding[] => found.filter((finding) => finding.severity === severity);
  return [...of('error'), ...of('warning')];
}
