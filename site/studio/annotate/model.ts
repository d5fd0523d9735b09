// What is annotated, and every change of it: a reducer without a page. An object's label is the position of its class.
import type { Box, LabelledObject } from 'retinagrad/data';
import { fitBox, MIN_SIDE, moveBox, overlap, overlapsImage, type Size } from './geometry.ts';

/** One image, as it is annotated. */
export interface ImageLabels extends Size {
  readonly id: string;
  readonly boxes: readonly LabelledObject[];
  /** Marked as an image without objects. Images that have neither boxes nor this mark are not annotated yet. */
  readonly empty: boolean;
  /** Detections that wait to be accepted; they have scores. */
  readonly suggestions: readonly LabelledObject[];
}

/** The selected box or suggestion of the current image. */
export interface Selection {
  readonly of: 'boxes' | 'suggestions';
  readonly index: number;
}

/** What undo brings back. */
export interface Snapshot {
  readonly images: readonly ImageLabels[];
  /** Position of the image that is shown; -1 if there is none. */
  readonly current: number;
  readonly selected: Selection | null;
}

export interface State extends Snapshot {
  readonly past: readonly Snapshot[];
  readonly future: readonly Snapshot[];
  /** Whether the last change was a move by the keyboard, which the next one continues as one step of undo. */
  readonly nudging: boolean;
}

/** An image as its owner gives it. */
export interface GivenImage extends Size {
  readonly id: string;
  readonly boxes: readonly LabelledObject[];
  readonly empty?: boolean;
}

export type Action =
  | { readonly type: 'add'; readonly box: Box; readonly label: number }
  /** Moves or resizes the selected box. A suggestion is accepted by that. */
  | { readonly type: 'resize'; readonly box: Box }
  | { readonly type: 'move'; readonly dx: number; readonly dy: number }
  | { readonly type: 'delete' }
  | { readonly type: 'relabel'; readonly label: number }
  /** Copies the boxes of this image to the next one and shows that. */
  | { readonly type: 'copy' }
  | { readonly type: 'accept' }
  | { readonly type: 'acceptAll' }
  | { readonly type: 'mark'; readonly empty: boolean }
  /** Labels read from a file, for the images that they name. */
  | { readonly type: 'replace'; readonly images: readonly Omit<GivenImage, keyof Size>[] }
  | { readonly type: 'undo' }
  | { readonly type: 'redo' }
  | { readonly type: 'select'; readonly selected: Selection | null }
  | { readonly type: 'go'; readonly image: number }
  | { readonly type: 'suggest'; readonly id: string; readonly suggestions: readonly LabelledObject[] }
  /** The images that there are now: new ones are added, those missing are left out, the others stay as they are. */
  | { readonly type: 'images'; readonly images: readonly GivenImage[] };

/** Steps that undo goes back at most. */
const MAX_HISTORY = 200;
/** Intersection over union from which a suggestion says nothing new, and a copied box is there already. */
const SAME = 0.5;

export const emptyState: State = { images: [], current: -1, selected: null, past: [], future: [], nudging: false };

/** The image that is shown. */
export const currentImage = (state: Snapshot): ImageLabels | undefined => state.images[state.current];

export const selectedObject = ({ selected, ...state }: Snapshot): LabelledObject | undefined =>
  selected === null ? undefined : currentImage({ selected, ...state })?.[selected.of][selected.index];

/** Whether an image is annotated: it has boxes, or is known to have none. */
export const isAnnotated = ({ boxes, empty }: Pick<ImageLabels, 'boxes' | 'empty'>): boolean =>
  empty || boxes.length > 0;

/** The state after an action. The same object if nothing changes. */
export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'select':
      return select(state, action.selected);
    case 'go':
      return go(state, action.image);
    case 'suggest':
      return suggest(state, action.id, action.suggestions);
    case 'images':
      return withImages(state, action.images);
    case 'undo':
      return undo(state);
    case 'redo':
      return redo(state);
    default: {
      const changed = change(state, action);
      return changed === null ? state : record(state, changed, action.type === 'move');
    }
  }
}

type Change = Extract<
  Action,
  { type: 'add' | 'resize' | 'move' | 'delete' | 'relabel' | 'copy' | 'accept' | 'acceptAll' | 'mark' | 'replace' }
>;

/** What a change that can be undone leads to; null if it changes nothing. */
function change(state: Snapshot, action: Change): Snapshot | null {
  const image = currentImage(state);
  if (action.type === 'replace') return replace(state, action.images);
  if (image === undefined) return null;
  switch (action.type) {
    case 'add': {
      if (!action.box.every(Number.isFinite)) return null;
      const added: LabelledObject = { label: action.label, box: fitBox(action.box, image) };
      return withBoxes(state, [...image.boxes, added], image.boxes.length);
    }
    case 'resize':
      return action.box.every(Number.isFinite) ? place(state, image, () => fitBox(action.box, image)) : null;
    case 'move':
      return place(state, image, (box) => moveBox(box, action.dx, action.dy, image));
    case 'relabel':
      return edit(state, image, (object) =>
        object.label === action.label ? object : { ...object, label: action.label },
      );
    case 'delete':
      return remove(state, image);
    case 'copy':
      return copy(state, image);
    case 'accept':
      return state.selected?.of === 'suggestions' ? accept(state, image, [state.selected.index]) : null;
    case 'acceptAll':
      return accept(state, image, [...image.suggestions.keys()]);
    case 'mark':
      if (image.empty === action.empty || image.boxes.length > 0) return null;
      return withImage(state, { ...image, empty: action.empty }, null);
  }
}

function record(before: State, after: Snapshot, nudging: boolean): State {
  const { images, current, selected } = before;
  const past = nudging && before.nudging ? before.past : [...before.past, { images, current, selected }];
  return { ...after, past: past.slice(-MAX_HISTORY), future: [], nudging };
}

function undo(state: State): State {
  const before = state.past.at(-1);
  if (before === undefined) return state;
  const { images, current, selected } = state;
  const future = [...state.future, { images, current, selected }];
  return { ...before, past: state.past.slice(0, -1), future, nudging: false };
}

function redo(state: State): State {
  const after = state.future.at(-1);
  if (after === undefined) return state;
  const { images, current, selected } = state;
  const past = [...state.past, { images, current, selected }];
  return { ...after, past, future: state.future.slice(0, -1), nudging: false };
}

function withImage(state: Snapshot, image: ImageLabels, selected: Selection | null): Snapshot {
  const images = state.images.map((other) => (other.id === image.id ? image : other));
  return { images, current: state.current, selected };
}

/** The current image with other boxes, of which one is selected. An image with boxes is not one without objects. */
function withBoxes(state: Snapshot, boxes: readonly LabelledObject[], selected: number | null): Snapshot {
  const image = currentImage(state)!;
  const selection: Selection | null = selected === null ? null : { of: 'boxes', index: selected };
  return withImage(state, { ...image, boxes, empty: image.empty && boxes.length === 0 }, selection);
}

const replaced = <T>(list: readonly T[], index: number, item: T): T[] =>
  list.map((other, i) => (i === index ? item : other));

/** Changes the selected object, which is accepted if it was a suggestion. */
function edit(
  state: Snapshot,
  image: ImageLabels,
  changed: (object: LabelledObject) => LabelledObject,
): Snapshot | null {
  const object = selectedObject(state);
  if (object === undefined) return null;
  const after = changed(object);
  if (after === object) return null;
  const { of, index } = state.selected!;
  if (of === 'boxes') return withBoxes(state, replaced(image.boxes, index, after), index);
  const accepted = accept(state, image, [index]);
  const boxes = currentImage(accepted!)!.boxes;
  return withBoxes(accepted!, replaced(boxes, boxes.length - 1, withoutScore(after)), boxes.length - 1);
}

/** Gives the selected object another box; an outline and its area would no longer fit. */
function place(state: Snapshot, image: ImageLabels, placed: (box: Box) => Box): Snapshot | null {
  return edit(state, image, (object) => {
    const box = placed(object.box);
    if (box.every((x, i) => x === object.box[i])) return object;
    const { polygons: _polygons, area: _area, ...rest } = object;
    return { ...rest, box };
  });
}

/** Deletes the selected object and selects the next one, so that several can be deleted in a row. */
function remove(state: Snapshot, image: ImageLabels): Snapshot | null {
  if (selectedObject(state) === undefined) return null;
  const { of, index } = state.selected!;
  const left = image[of].filter((_, i) => i !== index);
  const next = left.length === 0 ? null : { of, index: Math.min(index, left.length - 1) };
  return withImage(state, { ...image, [of]: left }, next);
}

function copy(state: Snapshot, image: ImageLabels): Snapshot | null {
  const next = state.images[state.current + 1];
  if (next === undefined) return null;
  const isNew = ({ label, box }: LabelledObject): boolean =>
    !next.boxes.some((other) => other.label === label && overlap(other.box, box) > SAME);
  const copied = image.boxes.flatMap((object) => clipped(object, next)).filter(isNew);
  if (copied.length === 0) return null;
  const there = { ...state, current: state.current + 1 };
  return withBoxes(there, [...next.boxes, ...copied], next.boxes.length);
}

function withoutScore({ score: _score, ...object }: LabelledObject): LabelledObject {
  return object;
}

function accept(state: Snapshot, image: ImageLabels, indices: readonly number[]): Snapshot | null {
  if (indices.length === 0) return null;
  const accepted = indices.map((i) => withoutScore(image.suggestions[i]!));
  const suggestions = image.suggestions.filter((_, i) => !indices.includes(i));
  const boxes = [...image.boxes, ...accepted];
  // The next suggestion, so that one key accepts one after the other.
  const next = Math.min(indices[0]!, suggestions.length - 1);
  const selected: Selection = next < 0 ? { of: 'boxes', index: boxes.length - 1 } : { of: 'suggestions', index: next };
  return withImage(state, { ...image, boxes, suggestions, empty: false }, selected);
}

function replace(state: Snapshot, given: readonly Omit<GivenImage, keyof Size>[]): Snapshot | null {
  const byId = new Map(given.map((image) => [image.id, image]));
  if (!state.images.some(({ id }) => byId.has(id))) return null;
  const images = state.images.map((image) => {
    const labels = byId.get(image.id);
    return labels === undefined ? image : { ...image, ...contentOf(labels, image) };
  });
  return { images, current: state.current, selected: null };
}

/** An object with its box inside the image; none if it lies outside. */
function clipped(object: LabelledObject, size: Size): LabelledObject[] {
  if (!object.box.every(Number.isFinite) || !overlapsImage(object.box, size)) return [];
  const [x1, y1, x2, y2] = object.box;
  // Boxes that fit keep the precision of their file.
  const fits =
    x1 >= 0 && y1 >= 0 && x2 <= size.width && y2 <= size.height && x2 - x1 >= MIN_SIDE && y2 - y1 >= MIN_SIDE;
  return [fits ? object : { ...object, box: fitBox(object.box, size) }];
}

function contentOf(
  { boxes, empty = false }: Pick<GivenImage, 'boxes' | 'empty'>,
  size: Size,
): Pick<ImageLabels, 'boxes' | 'empty'> {
  const inside = boxes.flatMap((object) => clipped(object, size));
  return { boxes: inside, empty: empty && inside.length === 0 };
}

function isSelectable({ images, current }: Snapshot, selected: Selection): boolean {
  return images[current]?.[selected.of][selected.index] !== undefined;
}

function select(state: State, selected: Selection | null): State {
  if (selected !== null && !isSelectable(state, selected)) return state;
  return { ...state, selected, nudging: false };
}

function go(state: State, image: number): State {
  if (image === state.current || state.images[image] === undefined) return state;
  return { ...state, current: image, selected: null, nudging: false };
}

/** The state and its history with something changed that undo does not bring back. */
function everywhere(state: State, changed: (snapshot: Snapshot) => Snapshot): State {
  const { images, current, selected } = state;
  return {
    ...state,
    ...changed({ images, current, selected }),
    past: state.past.map(changed),
    future: state.future.map(changed),
  };
}

function suggest(state: State, id: string, suggestions: readonly LabelledObject[]): State {
  return everywhere(state, (snapshot) => {
    const image = snapshot.images.find((other) => other.id === id);
    if (image === undefined) return snapshot;
    const news = suggestions
      .flatMap((object) => clipped(object, image))
      .filter(({ box }) => !image.boxes.some((other) => overlap(other.box, box) > SAME));
    const lost = snapshot.selected?.of === 'suggestions' && currentImage(snapshot) === image;
    return withImage(snapshot, { ...image, suggestions: news }, lost ? null : snapshot.selected);
  });
}

function withImages(state: State, given: readonly GivenImage[]): State {
  const after = everywhere(state, (snapshot) => {
    const known = new Map(snapshot.images.map((image) => [image.id, image]));
    const shown = currentImage(snapshot)?.id;
    const images = given.map(
      ({ id, width, height, ...labels }): ImageLabels =>
        known.get(id) ?? { id, width, height, suggestions: [], ...contentOf(labels, { width, height }) },
    );
    const current = images.findIndex(({ id }) => id === shown);
    if (current >= 0) return { images, current, selected: snapshot.selected };
    return { images, current: Math.min(0, images.length - 1), selected: null };
  });
  return { ...after, nudging: false };
}
