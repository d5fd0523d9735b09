// Boxes that are drawn in the studio: the images of its data set in the annotator, and what changes there, stored.
import { effect, signal, type Signal } from '@preact/signals';
import type { AnnotatorImage } from './annotate/annotator.tsx';
import { classesOf, type LabelClass } from './annotate/classes.ts';
import { imageFile, ownData, type OwnImage } from './data-store.ts';
import * as state from './state.ts';

/** Data in the annotator. */
export interface Desk {
  readonly images: readonly AnnotatorImage[];
  readonly classes: Signal<readonly LabelClass[]>;
  /** The image to show first; null for the first one. */
  readonly first: string | null;
}

/** What the annotator has open; null while it is closed. */
export const desk = signal<Desk | null>(null);

/** Labels that are not stored yet. */
const changed = new Map<string, OwnImage['objects']>();
let timer: ReturnType<typeof setTimeout> | undefined;
let saving = Promise.resolve();
let stopWatching = (): void => undefined;

/** Several changes in a row are stored at once. */
const DELAY = 300;

/** Opens the data set of the plan in the annotator. */
export const openLabels = (first: string | null = null): Promise<void> =>
  state.attempt(async () => {
    const data = await ownData(state.data.value!.id);
    if (data === null) throw new Error('the images are not in this browser any more: choose their files again');
    const images = data.images.map((image): AnnotatorImage => {
      const { file, width, height, facts, objects } = image;
      const open =
        facts.kind === 'tiff'
          ? () => openRaster(data.id, image)
          : async () => createImageBitmap(await imageFile(image));
      return { id: file, width, height, open, place: facts, boxes: objects ?? [], empty: objects?.length === 0 };
    });
    const classes = signal<readonly LabelClass[]>(classesOf(data.classes));
    let isNew = true;
    stopWatching = effect(() => {
      void classes.value;
      if (!isNew) later();
      isNew = false;
    });
    desk.value = { images, classes, first };
  });

/** More pixels of a GeoTIFF are not shown at once: 256 MB, and as much again to decode them. */
const MAX_PIXELS = 2 ** 26;

/** A GeoTIFF, which the worker decodes. */
async function openRaster(id: string, { file, width, height }: OwnImage): Promise<ImageBitmap> {
  if (width * height > MAX_PIXELS) {
    throw new Error(
      `it has ${width} × ${height} pixels, too many to be drawn on here: bring its labels as GeoJSON, or cut it into tiles (retinagrad tiles)`,
    );
  }
  const { data, ...size } = await state.studio.pixels(id, file);
  return createImageBitmap(new ImageData(data, size.width, size.height));
}

/** Takes a change of the annotator. */
export function takeChange(
  id: string,
  boxes: readonly NonNullable<OwnImage['objects']>[number][],
  empty: boolean,
): void {
  changed.set(id, boxes.length > 0 || empty ? boxes : null);
  later();
}

function later(): void {
  clearTimeout(timer);
  timer = setTimeout(() => void store(), DELAY);
}

/** Stores what changed; one after the other, because each begins with the data set of the one before. */
function store(): Promise<void> {
  clearTimeout(timer);
  saving = saving.then(() =>
    state.attempt(async () => {
      const names = desk.value?.classes.value.map(({ name }) => name);
      const before = state.data.value;
      if (names === undefined || before === null) return;
      const labels = new Map(changed);
      changed.clear();
      const isSame = names.join('\n') === before.classes.join('\n');
      if (labels.size > 0 || !isSame) state.useData(await state.studio.relabel(before.id, names, labels));
    }),
  );
  return saving;
}

/** Closes the annotator when all is stored. */
export async function closeLabels(): Promise<void> {
  await store();
  stopWatching();
  desk.value = null;
  await state.refreshData();
}

/** What a detector suggests for an image. */
export const suggest = (id: string) =>
  state.studio.suggest(
    state.data.value!.id,
    id,
    desk.value!.classes.value.map(({ name }) => name),
  );
