// The objects of the map, which of them are shown, and where they are. The first of the three scripts of the page; they are
// classic scripts, because pages that are opened from a disk cannot load modules, and pass what they share through
// `retinagradViewer`. The data are those of detections.js, which data.ts describes.
(() => {
  const { images, shared } = globalThis.retinagradMap;
  const { classes, kinds } = shared;
  /** Index of a kind in `kinds`. */
  const [DETECTION, HIT, MISS, FALSE_ALARM] = [0, 1, 2, 3];

  /** All objects as columns, image by image; boxes in pixels of the plane of their image. */
  const objects = (() => {
    const n = images.reduce((sum, { labels }) => sum + labels.length, 0);
    const all = {
      n,
      boxes: new Float64Array(4 * n),
      label: new Uint16Array(n),
      score: new Float64Array(n), // in millionths; -Infinity for misses that no detection finds
      kind: new Uint8Array(n),
      image: new Uint32Array(n),
    };
    let i = 0;
    images.forEach(({ boxes, labels, scores, kinds, x, y }, k) => {
      images[k].from = i;
      labels.forEach((label, j) => {
        for (let c = 0; c < 4; c++) all.boxes[4 * i + c] = boxes[4 * j + c] / 100 + (c % 2 === 0 ? x : y);
        all.label[i] = label;
        all.score[i] = scores[j] ?? -Infinity;
        all.kind[i] = kinds === null ? DETECTION : Number(kinds[j]);
        all.image[i++] = k;
      });
      images[k].to = i;
    });
    return all;
  })();
  /** Whether the map shows an evaluation: objects then have the colours of their kinds instead of their classes. */
  const isEvaluation = objects.kind.some((kind) => kind !== DETECTION);

  const state = {
    threshold: Math.round(shared.threshold * 1e6),
    classes: classes.map(() => true),
    kinds: kinds.map(() => true),
    plane: -1,
    /** Index of the object whose popup is open, or -1. */
    selected: -1,
  };

  /** Whether the threshold lets an object count: a miss does as long as no detection finds it. */
  const counts = (i) => objects.score[i] >= state.threshold !== (objects.kind[i] === MISS);
  const isShown = (i) => counts(i) && state.classes[objects.label[i]] && state.kinds[objects.kind[i]];
  const styleOf = (i) => (isEvaluation ? kinds[objects.kind[i]] : classes[objects.label[i]]);

  // Where objects are: the cells of a grid over a plane, each with the objects that touch it.

  /** The grid of the objects of some images of a plane. */
  function gridOf(members, [left, top, right, bottom]) {
    const side = Math.max(64, Math.sqrt(((right - left) * (bottom - top)) / 40_000));
    const [columns, rows] = [right - left, bottom - top].map((size) => Math.max(1, Math.ceil(size / side)));
    const cell = (value, start, count) => Math.min(count - 1, Math.max(0, Math.floor((value - start) / side)));
    const columnOf = (x) => cell(x, left, columns);
    const rowOf = (y) => cell(y, top, rows);
    const { boxes } = objects;
    const starts = new Uint32Array(columns * rows + 1);
    const eachCell = (visit) => {
      for (const { from, to } of members) {
        for (let i = from; i < to; i++) {
          const [c1, c2, r2] = [columnOf(boxes[4 * i]), columnOf(boxes[4 * i + 2]), rowOf(boxes[4 * i + 3])];
          for (let r = rowOf(boxes[4 * i + 1]); r <= r2; r++) {
            for (let c = c1; c <= c2; c++) visit(r * columns + c, i);
          }
        }
      }
    };
    eachCell((at) => starts[at + 1]++);
    for (let k = 1; k < starts.length; k++) starts[k] += starts[k - 1];
    const items = new Uint32Array(starts[columns * rows]);
    const next = starts.slice();
    eachCell((at, i) => (items[next[at]++] = i));
    return {
      /** Calls `visit` once for each object that may touch a box. */
      near(x1, y1, x2, y2, visit) {
        const [c1, r1, c2, r2] = [columnOf(x1), rowOf(y1), columnOf(x2), rowOf(y2)];
        for (let r = r1; r <= r2; r++) {
          for (let c = c1; c <= c2; c++) {
            const at = r * columns + c;
            for (let k = starts[at]; k < starts[at + 1]; k++) {
              const i = items[k];
              // In the first of the visited cells that it touches.
              if (c > c1 && columnOf(boxes[4 * i]) < c) continue;
              if (r > r1 && rowOf(boxes[4 * i + 1]) < r) continue;
              visit(i);
            }
          }
        }
      },
    };
  }

  // Planes: images that lie beside each other, such as the tiles of an orthophoto. Most images have one of their own.

  const planes = [];
  images.forEach((image, k) => {
    const { x, y, width, height } = image;
    const plane = (planes[image.plane] ??= {
      images: [],
      bounds: [Infinity, Infinity, -Infinity, -Infinity],
      grid: null,
    });
    image.index = k;
    plane.images.push(image);
    const [x1, y1, x2, y2] = plane.bounds;
    plane.bounds = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x + width), Math.max(y2, y + height)];
  });
  /** The grid of the objects of a plane, made when the plane is first shown. */
  const gridOfPlane = (plane) => (plane.grid ??= gridOf(plane.images, plane.bounds));

  globalThis.retinagradViewer = { objects, isEvaluation, state, counts, isShown, styleOf, planes, gridOfPlane };
  Object.assign(globalThis.retinagradViewer, { HIT, MISS, FALSE_ALARM });
})();
