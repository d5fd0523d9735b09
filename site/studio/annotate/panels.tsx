// What stands around the image: the list of images, the classes, the boxes as text, and the help sheet.
import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { describeObject, describeStatus } from './announce.ts';
import type { Bitmaps, Openable } from './bitmaps.ts';
import { classesOf, problemOfName, type LabelClass } from './classes.ts';
import { HELP } from './keys.ts';
import type { Action, ImageLabels, Selection, State } from './model.ts';

interface ImageListProps {
  readonly state: State;
  readonly images: readonly Openable<ImageBitmap>[];
  readonly bitmaps: Bitmaps<ImageBitmap>;
  readonly dispatch: (action: Action) => void;
}

export function ImageList({ state, images, bitmaps, dispatch }: ImageListProps) {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    // Only the list scrolls, not the page.
    const [frame, shown] = [list.current!, list.current!.children[state.current] as HTMLElement | undefined];
    if (shown === undefined) return;
    const [top, left] = [shown.offsetTop - frame.offsetTop, shown.offsetLeft - frame.offsetLeft];
    if (top < frame.scrollTop || top + shown.offsetHeight > frame.scrollTop + frame.clientHeight) frame.scrollTop = top;
    if (left < frame.scrollLeft || left + shown.offsetWidth > frame.scrollLeft + frame.clientWidth)
      frame.scrollLeft = left;
  }, [state.current]);
  return (
    <ol class="images" ref={list}>
      {state.images.map((image, i) => (
        <li key={image.id}>
          <button type="button" aria-current={i === state.current} onClick={() => dispatch({ type: 'go', image: i })}>
            <Thumbnail image={images[i]} bitmaps={bitmaps} />
            <span class="name">{image.id}</span>
            <span class={`status ${statusOf(image)}`}>{describeStatus(image)}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

const statusOf = ({ boxes, empty }: ImageLabels): string => (boxes.length > 0 ? 'done' : empty ? 'negative' : 'open');

/** Drawn when it is scrolled into view. */
function Thumbnail({
  image,
  bitmaps,
}: {
  readonly image: Openable<ImageBitmap> | undefined;
  readonly bitmaps: Bitmaps<ImageBitmap>;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (image === undefined) return;
    let isSeen = false;
    const observer = new IntersectionObserver((entries) => {
      isSeen = entries.at(-1)!.isIntersecting;
      if (!isSeen) return;
      const draw = (bitmap: ImageBitmap): void => {
        observer.disconnect();
        drawThumbnail(canvas.current!, bitmap);
      };
      // One that cannot be opened stays blank; the reason is shown with the image.
      bitmaps.once(image, () => isSeen, draw).catch(() => undefined);
    });
    observer.observe(canvas.current!);
    return () => {
      isSeen = false;
      observer.disconnect();
    };
  }, [image?.id]);
  return <canvas ref={canvas} width={96} height={96} aria-hidden="true" />;
}

function drawThumbnail(canvas: HTMLCanvasElement, bitmap: ImageBitmap): void {
  const { width, height } = canvas;
  const scale = Math.max(width / bitmap.width, height / bitmap.height);
  const [w, h] = [bitmap.width * scale, bitmap.height * scale];
  const context = canvas.getContext('2d')!;
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, (width - w) / 2, (height - h) / 2, w, h);
}

interface ClassListProps {
  readonly classes: Signal<readonly LabelClass[]>;
  /** Position of the class of new boxes. */
  readonly label: number;
  /** Boxes of each class, in all images. */
  readonly counts: readonly number[];
  readonly choose: (label: number) => void;
}

export function ClassList({ classes, label, counts, choose }: ClassListProps) {
  /** Position of the class whose name is typed; the number of classes for a new one. */
  const editing = useSignal<number | null>(null);
  const list = classes.value;
  const names = list.map(({ name }) => name);
  const rename = (position: number, name: string): void => {
    const colours = classesOf(position < list.length ? names : [...names, name]);
    const renamed = list.map((shape, i) => (i === position ? { ...shape, name } : shape));
    classes.value = position < list.length ? renamed : [...list, colours.at(-1)!];
    editing.value = null;
    if (position === list.length) choose(position);
  };
  const field = (position: number) => (
    <NameField
      name={names[position] ?? ''}
      others={names.filter((_, i) => i !== position)}
      done={(name) => rename(position, name)}
      cancel={() => (editing.value = null)}
    />
  );
  return (
    <ul class="classes">
      {list.map(({ name, colour, key }, i) => (
        <li key={i}>
          {editing.value === i ? (
            field(i)
          ) : (
            <>
              <button type="button" class="class" aria-pressed={i === label} onClick={() => choose(i)}>
                <span class="swatch" style={{ background: colour }} />
                <span class="name">{name}</span>
                <span class="count">{counts[i] ?? 0}</span>
                {key !== '' && <kbd>{key}</kbd>}
              </button>
              <button type="button" class="quiet" aria-label={`Rename ${name}`} onClick={() => (editing.value = i)}>
                Rename
              </button>
            </>
          )}
        </li>
      ))}
      <li>
        {editing.value === list.length ? (
          field(list.length)
        ) : (
          <button type="button" class="quiet" onClick={() => (editing.value = list.length)}>
            + Add a class
          </button>
        )}
      </li>
    </ul>
  );
}

interface NameFieldProps {
  readonly name: string;
  readonly others: readonly string[];
  readonly done: (name: string) => void;
  readonly cancel: () => void;
}

function NameField({ name, others, done, cancel }: NameFieldProps) {
  const problem = useSignal<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current!.select(), []);
  const finish = (): void => {
    const typed = input.current!.value;
    problem.value = problemOfName(typed, others);
    if (problem.value === null) done(typed.trim());
  };
  return (
    <span class="name-field">
      <input
        ref={input}
        defaultValue={name}
        aria-label={name === '' ? 'Name of the new class' : `New name of ${name}`}
        aria-invalid={problem.value !== null}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === 'Enter') finish();
          else if (event.key === 'Escape') cancel();
        }}
      />
      <button type="button" onClick={finish}>
        Save
      </button>
      {problem.value !== null && (
        <span role="alert" class="problem">
          {problem.value}
        </span>
      )}
    </span>
  );
}

interface BoxListProps {
  readonly image: ImageLabels;
  readonly selected: Selection | null;
  readonly classes: readonly LabelClass[];
  readonly dispatch: (action: Action) => void;
}

/** All boxes and suggestions of an image as text: what a screen reader reads, and a way to select them by arrow keys. */
export function BoxList({ image, selected, classes, dispatch }: BoxListProps) {
  const list = useRef<HTMLUListElement>(null);
  const names = classes.map(({ name }) => name);
  const rows = (['boxes', 'suggestions'] as const).flatMap((of) =>
    image[of].map((object, index) => ({ of, index, object })),
  );
  const at = rows.findIndex(({ of, index }) => selected?.of === of && selected.index === index);
  const choose = (position: number): void => {
    const row = rows[Math.min(Math.max(position, 0), rows.length - 1)];
    if (row !== undefined) dispatch({ type: 'select', selected: { of: row.of, index: row.index } });
  };
  useEffect(() => {
    const row = list.current?.children[at] as HTMLElement | undefined;
    const frame = list.current;
    if (row === undefined || frame === null) return;
    const top = row.offsetTop - frame.offsetTop;
    if (top < frame.scrollTop) frame.scrollTop = top;
    else if (top + row.offsetHeight > frame.scrollTop + frame.clientHeight)
      frame.scrollTop = top + row.offsetHeight - frame.clientHeight;
  }, [at]);
  if (rows.length === 0) return <p class="muted small">No boxes yet: drag on the image, or press B.</p>;
  const steps: Readonly<Record<string, number>> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 };
  return (
    <ul
      ref={list}
      class="boxes"
      role="listbox"
      aria-label="Boxes of this image"
      tabIndex={0}
      aria-activedescendant={at < 0 ? undefined : `box-${at}`}
      onFocus={() => at < 0 && choose(0)}
      onKeyDown={(event) => {
        const step = steps[event.key];
        if (step === undefined || event.altKey) return;
        event.preventDefault();
        event.stopPropagation();
        choose(step);
      }}
    >
      {rows.map(({ of, object }, i) => (
        <li key={i} id={`box-${i}`} role="option" aria-selected={i === at} onClick={() => choose(i)}>
          <span
            class={of === 'boxes' ? 'swatch' : 'swatch dashed'}
            style={{ '--colour': classes[object.label]?.colour ?? 'currentColor' }}
          />
          {of === 'suggestions' && <span class="tag">suggested</span>} {describeObject(object, names)}
        </li>
      ))}
    </ul>
  );
}

export function HelpSheet({ open }: { open: Signal<boolean> }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open.value) dialog.current!.showModal();
    else dialog.current!.close();
  }, [open.value]);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (open.value = false)}>
      <div class="row">
        <h2 id="help-title">Keys</h2>
        <button type="button" onClick={() => (open.value = false)}>
          Close
        </button>
      </div>
      <p class="muted small">They work while the focus is on the image or beside it. On a Mac, Cmd is Ctrl.</p>
      <div class="sheets">
        {HELP.map(({ title, rows }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {rows.map(([keys, does]) => (
                <div key={keys}>
                  <dt>{keys}</dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </dialog>
  );
}
