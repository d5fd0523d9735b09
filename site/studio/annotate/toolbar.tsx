// Buttons for what keys do, so that everything works by mouse and touch too.
import type { ComponentChildren } from 'preact';
import type { Command } from './keys.ts';
import { currentImage, selectedObject, type State } from './model.ts';

interface ToolbarProps {
  readonly state: State;
  readonly act: (command: Command) => unknown;
  readonly canSuggest: boolean;
  /** CSS pixels for each pixel of the image. */
  readonly scale: number;
}

export function Toolbar({ state, act, canSuggest, scale }: ToolbarProps) {
  const image = currentImage(state);
  const { current, images, past, future, selected } = state;
  const button = (kind: Exclude<Command['kind'], 'move' | 'grow' | 'class' | 'walk'>, key: string) => ({
    onClick: () => act({ kind }),
    hint: key,
  });
  const suggestions = image?.suggestions.length ?? 0;
  return (
    <div class="toolbar" role="group" aria-label="Tools">
      <span class="group">
        <Tool {...button('previous', 'P')} name="Previous image" disabled={current <= 0}>
          ‹
        </Tool>
        <span class="position">
          {current + 1} / {images.length}
        </span>
        <Tool {...button('next', 'N')} name="Next image" disabled={current >= images.length - 1}>
          ›
        </Tool>
      </span>
      <span class="group">
        <Tool {...button('undo', 'Ctrl+Z')} name="Undo" disabled={past.length === 0}>
          Undo
        </Tool>
        <Tool {...button('redo', 'Ctrl+Shift+Z')} name="Redo" disabled={future.length === 0}>
          Redo
        </Tool>
      </span>
      <span class="group">
        <Tool {...button('add', 'B')} name="Add box" disabled={image === undefined}>
          Add box
        </Tool>
        <Tool
          {...button('delete', 'Delete')}
          name={selected?.of === 'suggestions' ? 'Dismiss suggestion' : 'Delete box'}
          disabled={selectedObject(state) === undefined}
        >
          {selected?.of === 'suggestions' ? 'Dismiss' : 'Delete'}
        </Tool>
        <Tool
          {...button('copy', 'C')}
          name="Copy to next image"
          disabled={(image?.boxes.length ?? 0) === 0 || current >= images.length - 1}
        >
          Copy to next
        </Tool>
        <Tool
          {...button('empty', 'E')}
          name="No objects here"
          disabled={image === undefined || image.boxes.length > 0}
          pressed={image?.empty ?? false}
        >
          No objects here
        </Tool>
      </span>
      {(canSuggest || suggestions > 0) && (
        <span class="group">
          {canSuggest && (
            <Tool {...button('suggest', 'S')} name="Suggest boxes" disabled={image === undefined}>
              Suggest
            </Tool>
          )}
          <Tool {...button('accept', 'Enter')} name="Accept suggestion" disabled={selected?.of !== 'suggestions'}>
            Accept
          </Tool>
          <Tool {...button('acceptAll', 'A')} name="Accept all suggestions" disabled={suggestions === 0}>
            Accept all
          </Tool>
        </span>
      )}
      <span class="group end">
        <Tool {...button('zoomOut', '−')} name="Zoom out" disabled={image === undefined}>
          −
        </Tool>
        <Tool
          {...button('fit', 'F')}
          name={`${Math.round(scale * 100)} %: show the whole image`}
          disabled={image === undefined}
        >
          {Math.round(scale * 100)} %
        </Tool>
        <Tool {...button('zoomIn', '+')} name="Zoom in" disabled={image === undefined}>
          +
        </Tool>
        <Tool {...button('help', '?')} name="Keys">
          ?
        </Tool>
      </span>
    </div>
  );
}

interface ToolProps {
  readonly name: string;
  /** Key that does the same. */
  readonly hint: string;
  readonly onClick: () => unknown;
  readonly disabled?: boolean;
  readonly pressed?: boolean;
  readonly children: ComponentChildren;
}

function Tool({ name, hint, onClick, disabled = false, pressed, children }: ToolProps) {
  return (
    <button
      type="button"
      title={`${name} (${hint})`}
      aria-label={name}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      {children}
    </button>
  );
}
