// What the keys do. They work while the focus is in the annotator, never while one types text.

export type Command =
  | { readonly kind: 'move' | 'grow'; readonly dx: number; readonly dy: number }
  | { readonly kind: 'class'; readonly index: number }
  | { readonly kind: 'walk'; readonly step: 1 | -1 }
  | { readonly kind: Plain };
type Plain =
  | 'add'
  | 'delete'
  | 'undo'
  | 'redo'
  | 'next'
  | 'previous'
  | 'copy'
  | 'suggest'
  | 'accept'
  | 'acceptAll'
  | 'empty'
  | 'zoomIn'
  | 'zoomOut'
  | 'fit'
  | 'deselect'
  | 'help';

/** The part of a KeyboardEvent that decides. */
export interface Key {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

const PLAIN: Readonly<Record<string, Plain>> = {
  b: 'add',
  delete: 'delete',
  backspace: 'delete',
  'ctrl+z': 'undo',
  'ctrl+shift+z': 'redo',
  'ctrl+y': 'redo',
  n: 'next',
  pagedown: 'next',
  p: 'previous',
  pageup: 'previous',
  c: 'copy',
  s: 'suggest',
  enter: 'accept',
  a: 'acceptAll',
  e: 'empty',
  '+': 'zoomIn',
  '=': 'zoomIn',
  '-': 'zoomOut',
  f: 'fit',
  '0': 'fit',
  escape: 'deselect',
  '?': 'help',
};

const ARROWS: Readonly<Record<string, readonly [dx: number, dy: number]>> = {
  arrowleft: [-1, 0],
  arrowright: [1, 0],
  arrowup: [0, -1],
  arrowdown: [0, 1],
};

/** The command of a key; null if it has none. */
export function commandOf({ key, ctrlKey, metaKey, shiftKey, altKey }: Key): Command | null {
  const name = key.toLowerCase();
  const ctrl = ctrlKey || metaKey;
  const arrow = ARROWS[name];
  if (arrow !== undefined && !ctrl) {
    const by = shiftKey ? 10 : 1;
    return { kind: altKey ? 'grow' : 'move', dx: arrow[0] * by, dy: arrow[1] * by };
  }
  if (altKey) return null;
  if (name === 'tab' && !ctrl) return { kind: 'walk', step: shiftKey ? -1 : 1 };
  if (/^[1-9]$/.test(name) && !ctrl) return { kind: 'class', index: Number(name) - 1 };
  // Signs may need Shift, depending on the keyboard.
  const shift = shiftKey && (ctrl || /^[a-z]$/.test(name));
  const plain = PLAIN[`${ctrl ? 'ctrl+' : ''}${shift ? 'shift+' : ''}${name}`];
  return plain === undefined ? null : { kind: plain };
}

/** The help sheet: keys, and what they do. */
export const HELP: readonly { readonly title: string; readonly rows: readonly (readonly [string, string])[] }[] = [
  {
    title: 'Draw and correct',
    rows: [
      ['Drag', 'draw a box; from inside the selected box, move it'],
      ['Click', 'select the smallest box under the pointer'],
      ['B', 'add a box in the middle of the view'],
      ['Arrows', 'move the selected box by 1 pixel, with Shift by 10'],
      ['Alt + arrows', 'move its lower right corner, with Shift by 10 pixels'],
      ['1 – 9', 'choose the class, also of the selected box'],
      ['Delete', 'delete the selected box, or dismiss the suggestion'],
      ['Tab, Shift + Tab', 'next or previous box; after the last one, leave the image'],
      ['Esc', 'select nothing'],
      ['Ctrl + Z, Ctrl + Shift + Z', 'undo, redo'],
    ],
  },
  {
    title: 'Images',
    rows: [
      ['N or Page Down, P or Page Up', 'next or previous image'],
      ['C', 'copy the boxes to the next image'],
      ['E', 'no objects here: a negative image'],
    ],
  },
  {
    title: 'Suggestions',
    rows: [
      ['S', 'ask for suggestions'],
      ['Enter', 'accept the selected suggestion'],
      ['A', 'accept all'],
    ],
  },
  {
    title: 'View',
    rows: [
      ['Wheel, + and −', 'zoom; also by pinching'],
      ['F or 0', 'show the whole image'],
      ['Space + drag, scroll, two fingers', 'pan'],
      ['?', 'this sheet'],
    ],
  },
];
