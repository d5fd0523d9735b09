// The annotator: boxes on images, drawn and corrected by mouse, touch or keyboard alone.
import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { LabelledObject } from 'retinagrad/data';
import { announcement, describeStatus } from './announce.ts';
import { classesOf, type LabelClass } from './classes.ts';
import { chooseClass, perform, viewOf, type Desk } from './commands.ts';
import { readLabelFiles, type ReadLabelFiles } from './exchange.ts';
import { Files, textsOfFiles } from './files.tsx';
import type { Size } from './geometry.ts';
import { commandOf, type Command } from './keys.ts';
import { currentImage, emptyState, reduce, type Action, type State } from './model.ts';
import { BoxList, ClassList, HelpSheet, ImageList } from './panels.tsx';
import { Stage } from './stage.tsx';
import { Toolbar } from './toolbar.tsx';
import type { View } from './view.ts';

/** An image to annotate. */
export interface AnnotatorImage {
  /** Unique, for example the path of its file; exports name the image by it. */
  readonly id: string;
  readonly bitmap: ImageBitmap;
  /** Boxes at first, and again when the owner passes others than the annotator reported. Labels are positions in `classes`. */
  readonly boxes: readonly LabelledObject[];
  /** Whether it is known to have no objects. Default false. */
  readonly empty?: boolean;
}

export interface AnnotatorProps {
  readonly images: readonly AnnotatorImage[];
  /** The annotator adds and renames classes here. There must be at least one. */
  readonly classes: Signal<readonly LabelClass[]>;
  /** Called after every change of an image's boxes, or of its mark as empty. */
  readonly onChange: (id: string, boxes: readonly LabelledObject[], empty: boolean) => void;
  /** Detections with scores, to be accepted or not. Without it nothing is suggested. */
  readonly suggest?: ((id: string) => Promise<readonly LabelledObject[]>) | undefined;
  /** Label files that the owner was given, for example with the images. They are read, and the list is emptied. */
  readonly labelFiles?: Signal<readonly File[]>;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function Annotator({ images, classes, onChange, suggest, labelFiles }: AnnotatorProps) {
  const live = useSignal('');
  const note = useSignal('');
  const { state, dispatch } = useLabels(images, classes, onChange, (text) => (live.value = text));
  const view = useSignal<View | null>(null);
  const size = useSignal<Size>({ width: 1, height: 1 });
  const label = useSignal(0);
  const help = useSignal(false);
  const root = useRef<HTMLDivElement>(null);
  const bitmaps = new Map(images.map(({ id, bitmap }) => [id, bitmap]));
  const image = currentImage(state);
  const bitmap = image === undefined ? undefined : bitmaps.get(image.id);
  useLayoutEffect(() => {
    view.value = null;
  }, [image?.id]);

  const ask = (): void => {
    if (suggest === undefined || image === undefined) return;
    live.value = 'Looking for suggestions.';
    const { id } = image;
    suggest(id).then(
      (suggestions) => dispatch({ type: 'suggest', id, suggestions }),
      (error: unknown) => (note.value = `No suggestions: ${reasonOf(error)}`),
    );
  };
  const open = async (files: readonly File[]): Promise<void> => {
    try {
      const names = classes.value.map(({ name }) => name);
      const read = readLabelFiles(await textsOfFiles(files), state.images, names);
      const added = classesOf(read.classes).slice(names.length);
      if (added.length > 0) classes.value = [...classes.value, ...added];
      takeLabels(read, dispatch);
      note.value = [`Labels of ${read.images.length} of ${state.images.length} images read.`, ...read.notes].join(' ');
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
  const desk: Desk = { state, dispatch, classes: classes.value, view, size, label, help, suggest: ask };
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
        <ImageList state={state} bitmaps={bitmaps} dispatch={dispatch} />
      </section>
      <div class="middle">
        {image !== undefined && bitmap !== undefined && (
          <Stage
            {...{ state, image, bitmap, view, size, dispatch }}
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
        <h2>Label files</h2>
        <Files images={state.images} classes={names} open={open} say={(text) => (note.value = text)} />
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
    const sized = images.map(({ bitmap: { width, height }, ...image }) => ({ ...image, width, height }));
    dispatch({ type: 'images', images: sized });
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
  if (element.closest('input, select, textarea, dialog') !== null) return false;
  if (element.closest('.stage') !== null) return true;
  if (key === 'Tab' || key.startsWith('Arrow')) return false;
  return element.closest('button') === null || (key !== 'Enter' && key !== ' ');
}

/** Takes over labels of files. Objects with scores are detections, which wait to be accepted. */
function takeLabels({ images }: ReadLabelFiles, dispatch: (action: Action) => void): void {
  const labelled = images
    .filter(({ objects }) => objects.length === 0 || objects.some(({ score }) => score === undefined))
    .map(({ id, objects }) => ({
      id,
      boxes: objects.filter(({ score }) => score === undefined),
      empty: objects.length === 0,
    }));
  if (labelled.length > 0) dispatch({ type: 'replace', images: labelled });
  for (const { id, objects } of images) {
    const suggestions = objects.filter(({ score }) => score !== undefined);
    if (suggestions.length > 0) dispatch({ type: 'suggest', id, suggestions });
  }
}
