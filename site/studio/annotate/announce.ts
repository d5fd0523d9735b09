// Sentences for the live region: what a change did, for those who do not see the boxes.
import type { LabelledObject } from 'retinagrad/data';
import { currentImage, selectedObject, type Action, type ImageLabels, type State } from './model.ts';

export const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** A box in words. */
export function describeObject({ label, box, score }: LabelledObject, classes: readonly string[]): string {
  const [x1, y1, x2, y2] = box.map((x) => Math.round(x));
  const size = `${x2! - x1!} × ${y2! - y1!} at ${x1}, ${y1}`;
  const name = classes[label] ?? `class ${label + 1}`;
  return score === undefined ? `${name}, ${size}` : `${name}, score ${score.toFixed(2)}, ${size}`;
}

/** How far an image is annotated, in words. */
export function describeStatus({ boxes, empty }: Pick<ImageLabels, 'boxes' | 'empty'>): string {
  if (boxes.length > 0) return plural(boxes.length, 'box', 'boxes');
  return empty ? 'no objects' : 'not annotated';
}

function describeImage(state: State): string {
  const image = currentImage(state);
  if (image === undefined) return 'No images.';
  return `Image ${state.current + 1} of ${state.images.length}, ${image.id}: ${describeStatus(image)}.`;
}

/** What to say after an action; empty for nothing. */
export function announcement(before: State, after: State, action: Action, classes: readonly string[]): string {
  if (action.type === 'images') return '';
  if (before === after) return action.type === 'undo' || action.type === 'redo' ? `Nothing to ${action.type}.` : '';
  const object = selectedObject(after);
  const words = object === undefined ? '' : describeObject(object, classes);
  const image = currentImage(after);
  const suggestions = plural(image?.suggestions.length ?? 0, 'suggestion');
  switch (action.type) {
    case 'add':
      return `Added ${words}. ${describeStatus(image!)}.`;
    case 'delete':
      return `Deleted. ${describeStatus(image!)}${object === undefined ? '' : `; selected ${words}`}.`;
    case 'select':
      return object === undefined ? '' : `${after.selected?.of === 'boxes' ? 'Box' : 'Suggestion'}: ${words}.`;
    case 'go':
      return describeImage(after);
    case 'copy':
      return `Boxes copied. ${describeImage(after)}`;
    case 'suggest':
      return image?.id === action.id ? `${suggestions}.` : '';
    case 'accept':
    case 'acceptAll':
      return `Accepted. ${describeStatus(image!)}, ${suggestions} left.`;
    case 'mark':
      return describeImage(after);
    case 'undo':
      return `Undone. ${describeImage(after)}`;
    case 'redo':
      return `Redone. ${describeImage(after)}`;
    case 'replace':
      return `Labels read. ${describeImage(after)}`;
    default:
      return words;
  }
}
