// What the annotator does for a key or a button.
import type { Signal } from '@preact/signals';
import type { LabelClass } from './classes.ts';
import type { Size } from './geometry.ts';
import type { Command } from './keys.ts';
import { currentImage, selectedObject, type Action, type ImageLabels, type State } from './model.ts';
import { fitView, middleBox, panView, zoomView, type View } from './view.ts';

/** What commands act on. */
export interface Desk {
  readonly state: State;
  readonly dispatch: (action: Action) => void;
  readonly classes: readonly LabelClass[];
  /** Null while the whole image is shown. */
  readonly view: Signal<View | null>;
  /** Size of the stage in CSS pixels. */
  readonly size: Signal<Size>;
  /** Class of boxes that are drawn. */
  readonly label: Signal<number>;
  readonly help: Signal<boolean>;
  readonly suggest: () => void;
}

/** CSS pixels that an arrow key pans by. */
const PAN = 24;
const ZOOM = 1.25;

/** Chooses a class for new boxes and for the selected one. */
export function chooseClass({ classes, label, dispatch }: Desk, index: number): void {
  if (classes[index] === undefined) return;
  label.value = index;
  dispatch({ type: 'relabel', label: index });
}

/** Does what a key or a button asks for. False for nothing, so that the browser does what it does with the key. */
export function perform(command: Command, desk: Desk): boolean {
  const { state, dispatch, view } = desk;
  const image = currentImage(state);
  if (command.kind === 'walk') return walk(state, command.step, dispatch);
  if (command.kind === 'class') chooseClass(desk, command.index);
  else if (command.kind === 'help') desk.help.value = true;
  else if (command.kind === 'undo' || command.kind === 'redo') dispatch({ type: command.kind });
  else if (image === undefined) return true;
  else if (command.kind === 'move') move(desk, image, command.dx, command.dy);
  else if (command.kind === 'grow') grow(desk, command.dx, command.dy);
  else {
    switch (command.kind) {
      case 'add':
        dispatch({ type: 'add', box: middleBox(viewOf(desk, image), image, desk.size.value), label: desk.label.value });
        break;
      case 'next':
      case 'previous':
        dispatch({ type: 'go', image: state.current + (command.kind === 'next' ? 1 : -1) });
        break;
      case 'empty':
        dispatch({ type: 'mark', empty: !image.empty });
        break;
      case 'deselect':
        dispatch({ type: 'select', selected: null });
        break;
      case 'suggest':
        desk.suggest();
        break;
      case 'zoomIn':
        zoom(desk, image, ZOOM);
        break;
      case 'zoomOut':
        zoom(desk, image, 1 / ZOOM);
        break;
      case 'fit':
        view.value = null;
        break;
      default:
        dispatch({ type: command.kind });
    }
  }
  return true;
}

/** Where the image lies on the stage. */
export const viewOf = ({ view, size }: Pick<Desk, 'view' | 'size'>, image: Size): View =>
  view.value ?? fitView(image, size.value);

function zoom(desk: Desk, image: ImageLabels, factor: number): void {
  const size = desk.size.value;
  desk.view.value = zoomView(viewOf(desk, image), factor, size.width / 2, size.height / 2, image, size);
}

/** Moves the selected box; pans if there is none. */
function move(desk: Desk, image: ImageLabels, dx: number, dy: number): void {
  if (selectedObject(desk.state) !== undefined) desk.dispatch({ type: 'move', dx, dy });
  else desk.view.value = panView(viewOf(desk, image), -dx * PAN, -dy * PAN, image, desk.size.value);
}

/** Moves the lower right corner of the selected box, not beyond the other one, where it would turn inside out. */
function grow({ state, dispatch }: Desk, dx: number, dy: number): void {
  const object = selectedObject(state);
  if (object === undefined) return;
  const [x1, y1, x2, y2] = object.box;
  dispatch({ type: 'resize', box: [x1, y1, Math.max(x2 + dx, x1), Math.max(y2 + dy, y1)] });
}

/** Selects the next or previous box or suggestion. False beyond the last one: the focus leaves the image, as from any control. */
function walk(state: State, step: 1 | -1, dispatch: (action: Action) => void): boolean {
  const image = currentImage(state);
  if (image === undefined) return false;
  const { boxes, suggestions } = image;
  const total = boxes.length + suggestions.length;
  const { selected } = state;
  const outside = step > 0 ? -1 : total;
  const at = selected === null ? outside : selected.index + (selected.of === 'boxes' ? 0 : boxes.length);
  const next = at + step;
  if (next < 0 || next >= total) return false;
  const of = next < boxes.length ? 'boxes' : 'suggestions';
  dispatch({ type: 'select', selected: { of, index: of === 'boxes' ? next : next - boxes.length } });
  return true;
}
