import { fc } from '../support/property.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box, LabelledObject } from 'retinagrad/data';
import { describeObject, announcement } from '../../site/studio/annotate/announce.ts';
import { classesOf, problemOfName } from '../../site/studio/annotate/classes.ts';
import { exportFormats, tableOfImages, writeLabelFiles } from '../../site/studio/annotate/exchange.ts';
import { boxAt, fitBox, HANDLES, handlePoint, moveBox, pullHandle } from '../../site/studio/annotate/geometry.ts';
import { commandOf } from '../../site/studio/annotate/keys.ts';
import {
  currentImage,
  emptyState,
  reduce,
  selectedObject,
  type Action,
  type GivenImage,
  type State,
} from '../../site/studio/annotate/model.ts';
import { readOwnLabels } from '../../site/studio/own-labels.ts';
import { fitView, middleBox, panView, toImage, toStage, zoomView } from '../../site/studio/annotate/view.ts';

// The annotator without its page: boxes, state, keys, view, files.

const test = suite('annotate');
const object = (label: number, ...box: [number, number, number, number]): LabelledObject => ({ label, box });
const IMAGES: readonly GivenImage[] = [
  { id: 'a.png', width: 100, height: 80, boxes: [object(0, 10, 10, 30, 30), object(1, 40, 20, 60, 50)] },
  { id: 'b.png', width: 64, height: 64, boxes: [] },
  { id: 'c.png', width: 3, height: 1, boxes: [] },
];
const sized = IMAGES.map(({ id: file, width, height }) => ({ file, width, height }));
const start = reduce(emptyState, { type: 'images', images: IMAGES });
const run = (...actions: Action[]): State => actions.reduce(reduce, start);
const boxesOf = (state: State): readonly (readonly number[])[] => currentImage(state)!.boxes.map(({ box }) => box);

test('a box is drawn, moved, resized, relabelled and deleted, each undone and redone', () => {
  const steps: Action[] = [
    { type: 'add', box: [90, 70, 70, 200], label: 1 },
    { type: 'move', dx: -10, dy: -100 },
    { type: 'resize', box: [5, 5, 6, 20] },
    { type: 'relabel', label: 0 },
    { type: 'delete' },
  ];
  const states = steps.reduce<State[]>((all, step) => [...all, reduce(all.at(-1)!, step)], [start]);
  assert.equal(boxesOf(states[1]!)[2], [70, 70, 90, 80], 'corners in order, clipped');
  assert.equal(boxesOf(states[2]!)[2], [60, 0, 80, 10], 'moved as far as the image allows');
  assert.equal(boxesOf(states[3]!)[2], [5, 5, 7, 20], 'at least 2 pixels wide');
  assert.is(selectedObject(states[4]!)!.label, 0);
  assert.equal(boxesOf(states[5]!), boxesOf(start));
  let state = states.at(-1)!;
  for (const before of states.slice(0, -1).reverse()) {
    state = reduce(state, { type: 'undo' });
    assert.equal(state.images, before.images);
  }
  for (const after of states.slice(1)) {
    state = reduce(state, { type: 'redo' });
    assert.equal(state.images, after.images);
  }
  assert.is(reduce(state, { type: 'redo' }), state);
});

test('moves by the keyboard in a row are one step of undo', () => {
  const left: Action = { type: 'move', dx: -1, dy: 0 };
  const first: Action = { type: 'select', selected: { of: 'boxes', index: 0 } };
  const state = run(first, left, left, left);
  assert.equal(boxesOf(state)[0], [7, 10, 27, 30]);
  assert.equal(boxesOf(reduce(state, { type: 'undo' })), boxesOf(start));
  const other = [left, first, left].reduce(reduce, state);
  assert.equal(boxesOf(reduce(other, { type: 'undo' }))[0], [6, 10, 26, 30], 'selecting begins a new step');
});

test('boxes are copied to the next image once, clipped, and those outside it are not', () => {
  const copied = run({ type: 'add', box: [70, 0, 90, 20], label: 0 }, { type: 'copy' });
  assert.is(copied.current, 1);
  assert.equal(boxesOf(copied), [
    [10, 10, 30, 30],
    [40, 20, 60, 50],
  ]);
  const again = reduce(reduce(copied, { type: 'go', image: 0 }), { type: 'copy' });
  assert.equal(again.images[1]!.boxes.length, 2);
  const undone = reduce(copied, { type: 'undo' });
  assert.equal([undone.current, undone.images[1]!.boxes], [0, []]);
});

test('suggestions leave out what is there, and are accepted one by one or all', () => {
  const suggestions = [
    { ...object(0, 11, 10, 30, 30), score: 0.9 },
    { ...object(1, 70, 10, 90, 30), score: 0.8 },
    { ...object(0, 70, 40, 90, 60), score: 0.7 },
    { ...object(0, 200, 40, 220, 60), score: 0.7 },
  ];
  const state = run({ type: 'suggest', id: 'a.png', suggestions });
  assert.is(currentImage(state)!.suggestions.length, 2);
  const selected = reduce(state, { type: 'select', selected: { of: 'suggestions', index: 0 } });
  const accepted = reduce(selected, { type: 'accept' });
  assert.equal(currentImage(accepted)!.boxes.at(-1), object(1, 70, 10, 90, 30));
  assert.equal(accepted.selected, { of: 'suggestions', index: 0 }, 'the next one');
  assert.is(boxesOf(reduce(state, { type: 'acceptAll' })).length, 4);
  assert.is(reduce(start, { type: 'accept' }), start);
  const moved = reduce(selected, { type: 'move', dx: 1, dy: 0 });
  assert.equal(currentImage(moved)!.boxes.at(-1), object(1, 71, 10, 91, 30), 'moving accepts');
  assert.is(currentImage(reduce(selected, { type: 'delete' }))!.suggestions.length, 1);
  const undone = reduce(accepted, { type: 'undo' });
  assert.is(currentImage(undone)!.suggestions.length, 2);
});

test('an image without objects is marked, and a box removes the mark', () => {
  assert.is(run({ type: 'mark', empty: true }), start, 'an image with boxes is not empty');
  const marked = run({ type: 'go', image: 1 }, { type: 'mark', empty: true });
  assert.equal(
    tableOfImages(marked.images, ['x', 'y']).images.map(({ file }) => file),
    ['a.png', 'b.png'],
  );
  const drawn = reduce(marked, { type: 'add', box: [0, 0, 9, 9], label: 0 });
  assert.is(currentImage(drawn)!.empty, false);
  assert.is(currentImage(reduce(drawn, { type: 'undo' }))!.empty, true);
});

test('an outline does not survive a change of its box; other fields do', () => {
  const polygons = [[[[10, 10] as const, [30, 10] as const, [20, 30] as const]]];
  const outlined = { ...object(0, 10, 10, 30, 30), polygons, area: 200, difficult: true };
  const state = [
    { type: 'replace', images: [{ id: 'a.png', boxes: [outlined] }] } as const,
    { type: 'select', selected: { of: 'boxes', index: 0 } } as const,
    { type: 'move', dx: 1, dy: 0 } as const,
  ].reduce<State>(reduce, start);
  assert.equal(currentImage(state)!.boxes, [{ ...object(0, 11, 10, 31, 30), difficult: true }]);
});

test('images come and go; those that stay keep their boxes and their history', () => {
  const drawn = run({ type: 'add', box: [1, 1, 9, 9], label: 0 });
  const more = reduce(drawn, { type: 'images', images: [IMAGES[1]!, IMAGES[0]!, { ...IMAGES[2]!, id: 'd.png' }] });
  assert.equal(
    more.images.map(({ id, boxes }) => [id, boxes.length]),
    [
      ['b.png', 0],
      ['a.png', 3],
      ['d.png', 0],
    ],
  );
  assert.is(more.current, 1, 'the same image is shown');
  const undone = reduce(more, { type: 'undo' });
  assert.equal(
    undone.images.map(({ boxes }) => boxes.length),
    [0, 2, 0],
  );
  assert.is(reduce(more, { type: 'images', images: [] }).current, -1);
});

const coordinate = fc.double({ min: -150, max: 250, noNaN: true });
const anyBox = fc.tuple(coordinate, coordinate, coordinate, coordinate);
const anyObject = fc.record({ label: fc.nat(2), box: anyBox, score: fc.double({ min: 0, max: 1, noNaN: true }) });
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ type: fc.constant('add' as const), box: anyBox, label: fc.nat(2) }),
  fc.record({ type: fc.constant('resize' as const), box: anyBox }),
  fc.record({ type: fc.constant('move' as const), dx: coordinate, dy: coordinate }),
  fc.record({ type: fc.constant('relabel' as const), label: fc.nat(2) }),
  fc.record({ type: fc.constant('mark' as const), empty: fc.boolean() }),
  fc.record({ type: fc.constant('go' as const), image: fc.integer({ min: -1, max: 3 }) }),
  fc.record({
    type: fc.constant('select' as const),
    selected: fc.option(fc.record({ of: fc.constantFrom('boxes' as const, 'suggestions' as const), index: fc.nat(4) })),
  }),
  fc.record({
    type: fc.constant('suggest' as const),
    id: fc.constantFrom('a.png', 'b.png', 'x.png'),
    suggestions: fc.array(anyObject, { maxLength: 4 }),
  }),
  fc.record({
    type: fc.constant('replace' as const),
    images: fc.array(
      fc.record({ id: fc.constantFrom('a.png', 'c.png', 'x.png'), boxes: fc.array(anyObject, { maxLength: 3 }) }),
      { maxLength: 2 },
    ),
  }),
  ...(['delete', 'copy', 'accept', 'acceptAll', 'undo', 'redo'] as const).map((type) => fc.constant({ type })),
);

function checkInvariants(state: State): void {
  for (const { width, height, boxes, suggestions, empty } of state.images) {
    for (const { box } of [...boxes, ...suggestions]) {
      const [x1, y1, x2, y2] = box;
      assert.ok(x1 >= 0 && y1 >= 0 && x2 <= width && y2 <= height, `box ${box} lies in ${width} x ${height}`);
      const isLarge = x2 - x1 >= Math.min(2, width) - 1e-9 && y2 - y1 >= Math.min(2, height) - 1e-9;
      assert.ok(isLarge, `box ${box} is ordered and at least 2 pixels wide and high`);
    }
    assert.ok(!(empty && boxes.length > 0));
  }
  assert.ok(state.images[state.current] !== undefined);
  assert.ok(state.selected === null || selectedObject(state) !== undefined, 'what is selected is there');
}

test('whatever is done, boxes lie inside their image, and undo brings back what was', () => {
  fc.assert(
    fc.property(fc.array(anyAction, { maxLength: 30 }), (actions) => {
      let state = start;
      for (const action of actions) {
        const next = reduce(state, action);
        checkInvariants(next);
        const isStep = next.past.length > state.past.length && action.type !== 'redo';
        if (isStep) {
          const undone = reduce(next, { type: 'undo' });
          assert.is(undone.images, state.images);
          assert.equal([undone.current, undone.selected], [state.current, state.selected]);
          const redone = reduce(undone, { type: 'redo' });
          assert.is(redone.images, next.images);
          assert.equal([redone.current, redone.selected], [next.current, next.selected]);
        }
        const said = announcement(state, next, action, ['x', 'y', 'z']);
        assert.not.match(said, /undefined|NaN/);
        state = next;
      }
      const end = actions.some(({ type }) => type === 'suggest') ? null : start;
      while (state.past.length > 0) state = reduce(state, { type: 'undo' });
      if (end !== null) assert.is(state.images, end.images, 'undoing everything ends at the start');
    }),
    { numRuns: 300 },
  );
});

test('boxes are fitted, moved and pulled inside the image', () => {
  const size = { width: 50, height: 40 };
  assert.equal(fitBox([60, 10, 55, 12], size), [48, 10, 50, 12]);
  assert.equal(fitBox([1.26, 1.24, 9, 9], size), [1.3, 1.2, 9, 9], 'to a tenth of a pixel');
  assert.equal(moveBox([10, 10, 20, 20], 100, -100, size), [40, 0, 50, 10]);
  assert.equal(pullHandle([10, 10, 20, 20], 'se', 5, 6, size), [10, 10, 25, 26]);
  assert.equal(pullHandle([10, 10, 20, 20], 'w', 15, 99, size), [20, 10, 25, 20], 'turned inside out');
  for (const handle of HANDLES) {
    const box: Box = [10, 10, 20, 20];
    const [x, y] = handlePoint(box, handle);
    const pulled = pullHandle(box, handle, 1, 1, size);
    assert.equal(handlePoint(pulled, handle), [x + (/[ew]/.test(handle) ? 1 : 0), y + (/[ns]/.test(handle) ? 1 : 0)]);
  }
  assert.is(
    boxAt(
      [
        [0, 0, 50, 40],
        [10, 10, 20, 20],
      ],
      15,
      15,
    ),
    1,
    'the smallest',
  );
  assert.is(boxAt([[0, 0, 9, 9]], 15, 15), null);
});

test('zooming keeps the point under the pointer, and the image cannot leave the stage', () => {
  const [image, stage] = [
    { width: 100, height: 50 },
    { width: 424, height: 324 },
  ];
  const fitted = fitView(image, stage);
  assert.equal(fitted, { scale: 4, x: 12, y: 62 });
  const zoomed = zoomView(fitted, 2, 100, 150, image, stage);
  assert.equal(toImage(zoomed, 100, 150), toImage(fitted, 100, 150));
  assert.equal(toStage(fitted, [0, 0, 100, 50]), [12, 62, 412, 262]);
  const away = panView(fitted, 10_000, -10_000, image, stage);
  assert.ok(away.x < stage.width && away.y + 50 * away.scale > 0);
  const [x1, y1, x2, y2] = middleBox(fitted, image, stage);
  assert.equal([(x1 + x2) / 2, (y1 + y2) / 2], [50, 25]);
});

test('keys have the commands of the help sheet', () => {
  const none = { ctrlKey: false, metaKey: false, shiftKey: false, altKey: false };
  const kind = (key: string, more = {}): string | undefined => commandOf({ key, ...none, ...more })?.kind;
  assert.equal(commandOf({ key: 'ArrowLeft', ...none, shiftKey: true }), { kind: 'move', dx: -10, dy: 0 });
  assert.equal(commandOf({ key: '3', ...none }), { kind: 'class', index: 2 });
  assert.is(kind('ArrowUp', { altKey: true }), 'grow');
  assert.is(kind('z', { ctrlKey: true }), 'undo');
  assert.is(kind('Z', { metaKey: true, shiftKey: true }), 'redo');
  assert.is(kind('?', { shiftKey: true }), 'help');
  assert.is(kind('PageDown'), 'next');
  assert.is(kind('z'), undefined);
  assert.is(kind('c', { ctrlKey: true }), undefined, 'copying text stays what it is');
});

test('classes have distinct colours and keys, and names are checked', () => {
  const classes = classesOf(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']);
  assert.is(new Set(classes.slice(0, 7).map(({ colour }) => colour)).size, 7);
  assert.equal([classes[8]!.key, classes[9]!.key], ['9', '']);
  assert.is(problemOfName('x', ['a']), null);
  assert.match(problemOfName(' a ', ['a'])!, /already/);
  assert.match(problemOfName(' ', [])!, /name/);
  assert.is(describeObject({ ...object(1, 1, 2, 4, 8), score: 0.5 }, ['a', 'b']), 'b, score 0.50, 3 × 6 at 1, 2');
});

test('labels that are written in any format are read back', async () => {
  const marked = run({ type: 'go', image: 1 }, { type: 'mark', empty: true });
  const classes = ['building', 'car'];
  const table = tableOfImages(marked.images, classes);
  for (const format of exportFormats(new Map())) {
    const { files, notes } = writeLabelFiles(table, format);
    const read = await readOwnLabels(files, sized, classes);
    assert.equal(read.problems, [], format);
    const found = new Map(read.images.filter(({ isNamed }) => isNamed).map(({ file, objects }) => [file, objects]));
    assert.is(found.has('c.png'), false, `${format}: an image that is not annotated`);
    const expected = start.images[0]!.boxes.map(({ label, box }) => ({
      label: format === 'spacenet-csv' ? 0 : label,
      box: box.map((x) => Math.round(x)),
    }));
    assert.equal(
      found.get('a.png')!.map(({ label, box }) => ({ label, box: box.map((x) => Math.round(x)) })),
      expected,
      format,
    );
    if (format === 'coco-results') assert.not.equal(notes, [], 'empty images cannot be written');
    else assert.equal(found.get('b.png'), [], `${format}: an image without objects`);
  }
});

test('labels of annotation tools are read', async () => {
  const cases: Readonly<Record<string, string>> = {
    'project.json': JSON.stringify([
      {
        data: { image: '/data/upload/1/a.png' },
        annotations: [
          {
            result: [
              {
                type: 'rectanglelabels',
                original_width: 100,
                original_height: 80,
                value: { x: 10, y: 25, width: 20, height: 50, rotation: 0, rectanglelabels: ['tree'] },
              },
            ],
          },
        ],
      },
    ]),
    'a.json': JSON.stringify({
      imagePath: '../images/a.png',
      shapes: [
        {
          label: 'tree',
          shape_type: 'rectangle',
          points: [
            [10, 20],
            [30, 60],
          ],
        },
      ],
    }),
    'via.json': JSON.stringify({
      'a.png1': {
        filename: 'a.png',
        size: 1,
        regions: [
          {
            shape_attributes: { name: 'rect', x: 10, y: 20, width: 20, height: 40 },
            region_attributes: { class: 'tree' },
          },
        ],
      },
    }),
    'annotations.xml':
      '<annotations><image name="x/a.png" width="100" height="80"><box label="tree" xtl="10" ytl="20" xbr="30" ybr="60"/></image></annotations>',
    'labelTxt/a.txt': '10 20 30 20 30 60 10 60 tree 0\n',
  };
  for (const [path, text] of Object.entries(cases)) {
    const read = await readOwnLabels([{ path, text }], sized, ['building']);
    assert.equal([read.problems, read.classes], [[], ['building', 'tree']], path);
    const boxes = read.images.map(({ file, objects }) => [file, ...objects.map(({ label, box }) => [label, ...box])]);
    assert.equal(boxes, [['a.png', [1, 10, 20, 30, 60]]], path);
  }
});

test.run();
