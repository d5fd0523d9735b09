// The annotator: boxes on images, drawn and corrected by mouse, touch or keyboard alone.
import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Georeference, LabelledObject } from 'retinagrad/data';
import { expectedLabels, problemTexts, readOwnLabels, type OwnLabels } from '../own-labels.ts';
import { announcement, describeStatus, plural } from './announce.ts';
import { Bitmaps } from './bitmaps.ts';
import { classesOf, type LabelClass } from './classes.ts';
import { chooseClass, perform, viewOf, type Desk } from './commands.ts';
import { Files, textsOfFiles } from './files.tsx';
import type { Size } from './geometry.ts';
import { commandOf, type Command } from './keys.ts';
import { currentImage, emptyState, isAnnotated, reduce, type Action, type State } from './model.ts';
import { BoxList, ClassList, HelpSheet, ImageList } from './panels.tsx';
import { Stage } from './stage.tsx';
import { Toolbar } from './toolbar.tsx';
import type { View } from './view.ts';

/** An image to annotate. */
export interface AnnotatorImage {
  /** Unique, for example the path of its file; exports name the image by it. */
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** Decodes the image; called again after it was closed. */
  readonly open: () => Promise<ImageBitmap>;
  /** Its place on the map, for GeoJSON. Default: none. */
  readonly place?: Georeference;
  /** Boxes at first, and again when the owner passes others than the annotator reported. Labels are positions in `classes`. */
  readonly boxes: readonly LabelledObject[];
  /** Whether it is known to have no objects. Default false. */
  readonly empty?: boolean;
}

/** Detections on an image. */
interface Suggestions {
  /** With scores. */
  readonly objects: readonly LabelledObject[];
  /** What found them, in words. */
  readonly by: string;
}

export interface AnnotatorProps {
  readonly images: readonly AnnotatorImage[];
  /** The annotator adds and renames classes here. There must be at least one. */
  readonly classes: Signal<readonly LabelClass[]>;
  /** Called after every change of an image's boxes, or of its mark as empty. */
  readonly onChange: (id: string, boxes: readonly LabelledObject[], empty: boolean) => void;
  /** Finds what may be accepted as boxes. Without it nothing is suggested. */
  readonly suggest?: ((id: string) => Promise<Suggestions>) | undefined;
  /** Id of the image that is shown first. Default: the first one. */
  readonly first?: string | null;
  /** Label files that the owner was given, for example with the images. They are read, and the list is emptied. */
  readonly labelFiles?: Signal<readonly File[]>;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Minimum score of suggestions at first. */
const THRESHOLD = 0.3;

export function Annotator({ images, classes, onChange, suggest, first = null, labelFiles }: AnnotatorProps) {
  const live = useSignal('');
  const note = useSignal('');
  const { state, dispatch } = useLabels(images, classes, onChange, (text) => (live.value = text));
  const view = useSignal<View | null>(null);
  const size = useSignal<Size>({ width: 1, height: 1 });
  const label = useSignal(0);
  const help = useSignal(false);
  const threshold = useSignal(THRESHOLD);
  /** What was suggested, by image, whatever its score. */
  const suggested = useRef(new Map<string, readonly LabelledObject[]>());
  const root = useRef<HTMLDivElement>(null);
  const image = currentImage(state);
  const { bitmaps, shown } = useBitmaps(images, state.current, (text) => (note.value = text));
  useLayoutEffect(() => {
    view.value = null;
  }, [image?.id]);

  useEffect(() => {
    const at = images.findIndex(({ id }) => id === first);
    if (at >= 0) dispatch({ type: 'go', image: at });
  }, []);

  const showSuggestions = (id: string): void => {
    const all = suggested.current.get(id) ?? [];
    // Scores have the precision of the GPU.
    const least = Math.fround(threshold.value);
    dispatch({ type: 'suggest', id, suggestions: all.filter(({ score = 1 }) => score >= least) });
  };
  const ask = async (): Promise<void> => {
    if (suggest === undefined || image === undefined) return;
    const { id } = image;
    note.value = 'Looking for suggestions…';
    try {
      const { objects, by } = await suggest(id);
      suggested.current.set(id, objects);
      showSuggestions(id);
      note.value = `${plural(objects.length, 'suggestion')} by ${by}.`;
    } catch (error) {
      note.value = `No suggestions: ${reasonOf(error)}`;
    }
  };
  const open = async (files: readonly File[]): Promise<void> => {
    try {
      const names = classes.value.map(({ name }) => name);
      const sized = images.map(({ id: file, width, height, place }) => ({
        file,
        width,
        height,
        ...(place && { place }),
      }));
      const read = await readOwnLabels(await textsOfFiles(files), sized, names);
      const added = classesOf(read.classes).slice(names.length);
      if (added.length > 0) classes.value = [...classes.value, ...added];
      takeLabels(read, state, dispatch);
      note.value = readText(read, files, state);
    } catch (error) {
      note.value = `Not read: ${reasonOf(error)}`;
    }
  };
  useEffect(() => {
    const files = labelFiles?.value ?? [];
    if (files.length === 0 || state.images.length === 0) return;
    labelFiles!.value = [];
    void open(files);
  }, [labelFiles?.value, state.images]);
  const desk: Desk = { state, dispatch, classes: classes.value, view, size, label, help, suggest: () => void ask() };
  const act = (command: Command): boolean => {
    const isDone = perform(command, desk);
    // The keyboard goes on with the box.
    if (command.kind === 'add') root.current!.querySelector<HTMLElement>('.stage')?.focus({ preventScroll: true });
    return isDone;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || help.value || !reachesImage(event)) return;
    const command = commandOf(event);
    if (command !== null && act(command)) event.preventDefault();
  };
  const names = classes.value.map(({ name }) => name);
  return (
    <div class="annotator" ref={root} onKeyDown={onKeyDown}>
      <Toolbar
        state={state}
        act={act}
        canSuggest={suggest !== undefined}
        scale={image === undefined ? 1 : viewOf(desk, image).scale}
      />
      <section class="side" aria-labelledby="images-title">
        <h2 id="images-title">Images</h2>
        <ImageList state={state} images={images} bitmaps={bitmaps} dispatch={dispatch} />
      </section>
      <div class="middle">
        {image !== undefined && (
          <Stage
            {...{ state, image, view, size, dispatch }}
            bitmap={shown?.id === image.id ? shown.bitmap : null}
            classes={classes.value}
            label={label.value}
            describedBy="stage-help"
          />
        )}
        <p id="stage-help" class="status-line">
          {image !== undefined && `${image.id}, ${image.width} × ${image.height}: ${describeStatus(image)}. `}
          Press ? for all keys.
        </p>
      </div>
      <section class="side labels" aria-labelledby="classes-title">
        <h2 id="classes-title">Classes</h2>
        <ClassList
          classes={classes}
          label={label.value}
          counts={countsOf(state, names.length)}
          choose={(index) => chooseClass(desk, index)}
        />
        <h2>Boxes</h2>
        {image !== undefined && (
          <BoxList image={image} selected={state.selected} classes={classes.value} dispatch={dispatch} />
        )}
        {suggest !== undefined && (
          <label class="least-score">
            Suggestions from score {threshold.value.toFixed(2)}
            <input
              type="range"
              min="0.05"
              max="0.95"
              step="0.05"
              value={threshold.value}
              onInput={({ currentTarget }) => {
                threshold.value = Number(currentTarget.value);
                if (image !== undefined && suggested.current.has(image.id)) showSuggestions(image.id);
              }}
            />
          </label>
        )}
        <h2>Label files</h2>
        <Files
          images={state.images}
          places={placesOf(images)}
          classes={names}
          open={open}
          say={(text) => (note.value = text)}
        />
        <p role="status" class="small file-note">
          {note.value}
        </p>
      </section>
      <p role="status" class="visually-hidden">
        {live.value}
      </p>
      <HelpSheet open={help} />
    </div>
  );
}

/** The places of images on the map, by id. */
const placesOf = (images: AnnotatorProps['images']): ReadonlyMap<string, Georeference> =>
  new Map(images.flatMap(({ id, place }) => (place === undefined || place.affine === null ? [] : [[id, place]])));

/** The bitmap of the current image, and those of its neighbours, which are shown next. */
function useBitmaps(images: AnnotatorProps['images'], current: number, say: (text: string) => void) {
  const bitmaps = useRef(new Bitmaps<ImageBitmap>()).current;
  const shown = useSignal<{ readonly id: string; readonly bitmap: ImageBitmap } | null>(null);
  useEffect(() => {
    const image = images[current];
    bitmaps.keep([current, current + 1, current - 1].flatMap((i) => images[i] ?? []));
    if (image === undefined || shown.peek()?.id === image.id) return;
    shown.value = null;
    const { id } = image;
    let isCurrent = true;
    bitmaps.get(image).then(
      (bitmap) => isCurrent && (shown.value = { id, bitmap }),
      (error: unknown) => isCurrent && say(`${id} is not shown: ${reasonOf(error)}`),
    );
    return () => void (isCurrent = false);
  }, [images, current]);
  useEffect(() => () => bitmaps.close(), []);
  return { bitmaps, shown: shown.value };
}

/** The state of the annotator, kept in step with what the owner passes and told about what changes. */
function useLabels(
  images: AnnotatorProps['images'],
  classes: AnnotatorProps['classes'],
  onChange: AnnotatorProps['onChange'],
  say: (text: string) => void,
): { readonly state: State; readonly dispatch: (action: Action) => void } {
  const state = useSignal(emptyState);
  const told = useRef(onChange);
  told.current = onChange;
  /** Lists of boxes that the owner has passed or has been told of: these are not news. */
  const known = useRef(new WeakSet<readonly LabelledObject[]>());
  const dispatch = (action: Action): void => {
    const before = state.peek();
    const after = reduce(before, action);
    const names = classes.peek().map(({ name }) => name);
    const text = announcement(before, after, action, names);
    if (text !== '') say(text);
    state.value = after;
    if (action.type === 'images') return;
    after.images.forEach((image, i) => {
      const old = before.images[i]!;
      if (image.boxes === old.boxes && image.empty === old.empty) return;
      known.current.add(image.boxes);
      told.current(image.id, image.boxes, image.empty);
    });
  };
  useLayoutEffect(() => {
    const ids = new Set(state.peek().images.map(({ id }) => id));
    dispatch({ type: 'images', images: images.map(({ open: _open, place: _place, ...image }) => image) });
    const news = images.filter(({ id, boxes }) => ids.has(id) && !known.current.has(boxes));
    for (const { boxes } of images) known.current.add(boxes);
    if (news.length > 0) dispatch({ type: 'replace', images: news });
  }, [images]);
  return { state: state.value, dispatch };
}

/** Boxes of each class in all images. */
function countsOf({ images }: State, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const { boxes } of images) for (const { label } of boxes) counts[label]!++;
  return counts;
}

/** Whether a key is meant for the image: on a control, the keys that work it are the control's. */
function reachesImage({ target, key }: KeyboardEvent): boolean {
  const element = target as HTMLElement;
  if (element.closest('input, select, textarea, .annotator dialog') !== null) return false;
  if (element.closest('.stage') !== null) return true;
  if (key === 'Tab' || key.startsWith('Arrow')) return false;
  return element.closest('button') === null || (key !== 'Enter' && key !== ' ');
}

/**
 * Takes over labels of files. Objects with scores are detections, which wait to be accepted. Images that no file names keep what
 * they have.
 */
function takeLabels({ images }: OwnLabels, state: State, dispatch: (action: Action) => void): void {
  const done = new Set(state.images.filter(isAnnotated).map(({ id }) => id));
  const labelled = images
    .filter(({ file, isNamed }) => isNamed || !done.has(file))
    .filter(({ objects }) => objects.length === 0 || objects.some(({ score }) => score === undefined))
    .map(({ file, objects }) => ({
      id: file,
      boxes: objects.filter(({ score }) => score === undefined),
      empty: objects.length === 0,
    }));
  if (labelled.length > 0) dispatch({ type: 'replace', images: labelled });
  for (const { file, objects } of images) {
    const suggestions = objects.filter(({ score }) => score !== undefined);
    if (suggestions.length > 0) dispatch({ type: 'suggest', id: file, suggestions });
  }
}

/** What was read, in words. */
function readText({ images, problems, notes, format }: OwnLabels, files: readonly File[], state: State): string {
  if (format === '') return `${files.map(({ name }) => name).join(', ')}: not a label file, ${expectedLabels}.`;
  const counts = `Labels of ${images.length} of ${state.images.length} images read.`;
  return [counts, ...[...notes, ...problemTexts(problems)].map((text) => `${text}.`)].join(' ');
}
