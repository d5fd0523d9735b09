// The image with its boxes: a canvas for the pixels, SVG for the boxes, in CSS pixels of the stage.
import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Box } from 'retinagrad/data';
import type { LabelClass } from './classes.ts';
import { handlePoint, type Size } from './geometry.ts';
import { Gestures, handlesOf, type Scene } from './gestures.ts';
import { selectedObject, type Action, type ImageLabels, type Selection, type State } from './model.ts';
import { fitView, panView, toStage, zoomView, type View } from './view.ts';

interface StageProps {
  readonly state: State;
  readonly image: ImageLabels;
  /** Null while it is opened. */
  readonly bitmap: ImageBitmap | null;
  readonly classes: readonly LabelClass[];
  readonly view: Signal<View | null>;
  /** Size of the stage in CSS pixels. */
  readonly size: Signal<Size>;
  /** Class of boxes that are drawn. */
  readonly label: number;
  readonly dispatch: (action: Action) => void;
  /** Id of the element that says how the stage is used. */
  readonly describedBy: string;
}

/** Above this scale pixels are shown as squares. */
const SHARP_SCALE = 3;

export function Stage(props: StageProps) {
  const { state, image, classes, view, size, dispatch, describedBy } = props;
  const element = useRef<HTMLDivElement>(null);
  const draft = useSignal<{ readonly box: Box; readonly isNew: boolean } | null>(null);
  const panning = useSignal(false);
  useStageSize(element, size);
  const shown = view.value ?? fitView(image, size.value);
  // Gestures and the wheel act on what is there when they happen.
  const latest = useRef<StageProps & { readonly scene: Scene }>(null!);
  const selected = selectedObject(state);
  latest.current = {
    ...props,
    scene: {
      image,
      stage: size.value,
      view: shown,
      boxes: image.boxes.map(({ box }) => box),
      suggestions: image.suggestions.map(({ box }) => box),
      selected: selected === undefined ? null : { selection: state.selected!, box: selected.box },
      panning: panning.value,
    },
  };
  const gestures = useRef<Gestures>();
  gestures.current ??= new Gestures(() => latest.current.scene, {
    setView: (next) => (view.value = next),
    setDraft: (next) => (draft.value = next),
    add: (box) => dispatch({ type: 'add', box, label: latest.current.label }),
    resize: (box) => dispatch({ type: 'resize', box }),
    select: (selection) => dispatch({ type: 'select', selected: selection }),
  });
  useWheel(element, () => latest.current.scene, view);
  const at = ({ clientX, clientY }: PointerEvent): [number, number] => {
    const { left, top } = element.current!.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };
  const space = (event: KeyboardEvent, isDown: boolean): void => {
    if (event.key !== ' ') return;
    event.preventDefault();
    panning.value = isDown;
  };
  return (
    <div
      ref={element}
      class={`stage${panning.value ? ' panning' : ''}`}
      tabIndex={0}
      role="application"
      aria-label={`Image ${image.id}`}
      aria-describedby={describedBy}
      onPointerDown={(event) => {
        element.current!.setPointerCapture(event.pointerId);
        element.current!.focus({ preventScroll: true });
        if (event.button === 1) event.preventDefault();
        gestures.current!.down(event.pointerId, event.pointerType, event.button, ...at(event));
      }}
      onPointerMove={(event) => gestures.current!.move(event.pointerId, ...at(event))}
      onPointerUp={(event) => gestures.current!.up(event.pointerId, ...at(event))}
      onPointerCancel={(event) => gestures.current!.cancel(event.pointerId)}
      onKeyDown={(event) => space(event, true)}
      onKeyUp={(event) => space(event, false)}
      onBlur={() => (panning.value = false)}
    >
      <Picture bitmap={props.bitmap} view={shown} size={size.value} />
      <svg width={size.value.width} height={size.value.height} aria-hidden="true">
        {image.suggestions.map((object, i) => (
          <Outline
            key={`suggestion ${i}`}
            box={toStage(shown, object.box)}
            shape={classes[object.label]}
            isSuggestion
            note={object.score?.toFixed(2) ?? ''}
            isSelected={isAt(state.selected, 'suggestions', i)}
          />
        ))}
        {image.boxes.map((object, i) => {
          const isSelected = isAt(state.selected, 'boxes', i);
          const box = isSelected && draft.value !== null && !draft.value.isNew ? draft.value.box : object.box;
          return (
            <Outline
              key={i}
              box={toStage(shown, box)}
              shape={classes[object.label]}
              note={classes.length > 1 ? (classes[object.label]?.key ?? '') : ''}
              isSelected={isSelected}
            />
          );
        })}
        {draft.value !== null && (draft.value.isNew || state.selected?.of === 'suggestions') && (
          <Outline box={toStage(shown, draft.value.box)} shape={classes[props.label]} note="" isSelected />
        )}
      </svg>
    </div>
  );
}

const isAt = (selected: Selection | null, of: Selection['of'], index: number): boolean =>
  selected?.of === of && selected.index === index;

interface OutlineProps {
  /** In CSS pixels of the stage. */
  readonly box: Box;
  readonly shape: LabelClass | undefined;
  /** What stands in its corner. */
  readonly note: string;
  readonly isSelected: boolean;
  readonly isSuggestion?: boolean;
}

function Outline({ box, shape, note, isSelected, isSuggestion = false }: OutlineProps) {
  const [x, y, right, bottom] = box;
  const area = { x, y, width: right - x, height: bottom - y };
  const text = isSelected ? [shape?.name, isSuggestion ? note : ''].filter(Boolean).join(' ') : note;
  // A dark line on both sides of the coloured one stands out from bright ground.
  return (
    <g class={['box', isSelected && 'selected', isSuggestion && 'suggestion'].filter(Boolean).join(' ')}>
      <rect class="halo" {...area} />
      <rect class="line" {...area} stroke={shape?.colour ?? '#fff'} />
      {text !== '' && (area.width > 20 || isSelected) && (
        <text x={x + 1} y={y < 16 ? bottom + 13 : y - 5} fill={shape?.colour ?? '#fff'}>
          {text}
        </text>
      )}
      {isSelected &&
        handlesOf(box).map((handle) => {
          const [handleX, handleY] = handlePoint(box, handle);
          return <rect key={handle} class={`handle ${handle}`} x={handleX - 4} y={handleY - 4} width={8} height={8} />;
        })}
    </g>
  );
}

function Picture({ bitmap, view, size }: { bitmap: ImageBitmap | null; view: View; size: Size }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const ratio = window.devicePixelRatio;
    const element = canvas.current!;
    const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
    if (element.width !== width) element.width = width;
    if (element.height !== height) element.height = height;
    const context = element.getContext('2d')!;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.setTransform(view.scale * ratio, 0, 0, view.scale * ratio, view.x * ratio, view.y * ratio);
    context.imageSmoothingEnabled = view.scale < SHARP_SCALE;
    context.imageSmoothingQuality = 'high';
    if (bitmap !== null) context.drawImage(bitmap, 0, 0);
  }, [bitmap, view, size]);
  return <canvas ref={canvas} aria-hidden="true" />;
}

function useStageSize(element: { readonly current: HTMLElement | null }, size: Signal<Size>): void {
  useLayoutEffect(() => {
    const measure = (): void => {
      const { clientWidth: width, clientHeight: height } = element.current!;
      if (width !== size.peek().width || height !== size.peek().height) size.value = { width, height };
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);
}

/**
 * A mouse wheel zooms, and so does pinching on a touchpad (which arrives with Ctrl); scrolling with two fingers pans. Browsers do not
 * tell wheel and touchpad apart, but wheels turn in large steps, in one direction.
 */
function useWheel(
  element: { readonly current: HTMLElement | null },
  scene: () => Scene,
  view: Signal<View | null>,
): void {
  useEffect(() => {
    const turn = (event: WheelEvent): void => {
      event.preventDefault();
      const { view: shown, image, stage } = scene();
      const { left, top } = element.current!.getBoundingClientRect();
      const isStep = event.deltaMode !== 0 || (event.deltaX === 0 && Math.abs(event.deltaY) >= 50 && !event.shiftKey);
      if (!event.ctrlKey && !event.metaKey && !isStep) {
        view.value = panView(shown, -event.deltaX, -event.deltaY, image, stage);
        return;
      }
      const lines = event.deltaMode === 0 ? event.deltaY : event.deltaY * 40;
      const factor = Math.exp(-Math.min(Math.max(lines, -120), 120) / (isStep ? 400 : 80));
      view.value = zoomView(shown, factor, event.clientX - left, event.clientY - top, image, stage);
    };
    // Not passive, so that the page does not scroll or zoom as well.
    const target = element.current!;
    target.addEventListener('wheel', turn, { passive: false });
    return () => target.removeEventListener('wheel', turn);
  }, []);
}
