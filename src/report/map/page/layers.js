// The map with its two layers, imagery and boxes. Runs after leaflet.js and objects.js.
(() => {
  const { L } = globalThis;
  const { images } = globalThis.retinagradMap;
  const { objects, state, isShown, styleOf, planes, gridOfPlane, MISS } = globalThis.retinagradViewer;
  /** Side of a tile of the pyramid, and of the layers. */
  const TILE = 256;

  // The map: one unit is a pixel, y points down, and zoom 0 shows a pixel of the plane as one of the screen.

  /** Side of a pixel of a plane on the ground in metres, about; null if it is not known. */
  function metresOf({ images: [{ metres }] }) {
    return metres === null ? null : Math.sqrt(metres[0] * metres[1]);
  }
  const crs = L.extend({}, L.CRS.Simple, {
    // For the scale bar.
    distance: (a, b) => Math.hypot(a.lng - b.lng, a.lat - b.lat) * (metresOf(planes[state.plane]) ?? 1),
  });
  const map = L.map('map', { crs, zoomSnap: 1, maxZoom: 6, attributionControl: false, minZoom: -30 });
  const latLng = (x, y) => L.latLng(-y, x);
  const boundsOf = ([x1, y1, x2, y2]) => L.latLngBounds(latLng(x1, y1), latLng(x2, y2));

  // Imagery.

  const MOST_TILES = 512;
  const loaded = new Map();
  /** A tile of a pyramid as an image; null if the file cannot be loaded. */
  function loadTile(url) {
    const known = loaded.get(url);
    if (known !== undefined) return known;
    const loading = new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve(image);
      image.onerror = () => {
        const problem = document.getElementById('problem');
        problem.textContent = `${url} cannot be loaded: keep all files of the folder of this page together.`;
        problem.hidden = false;
        resolve(null);
      };
      image.src = url;
    });
    if (loaded.size >= MOST_TILES) loaded.delete(loaded.keys().next().value);
    loaded.set(url, loading);
    return loading;
  }

  /** The file of a tile; null where there are no data. */
  function tileUrl(k, level, column, row) {
    const { first, levels, tiles } = images[k];
    const { columns } = levels[level - first];
    const hasData = tiles[level - first][row * columns + column] === '1';
    return hasData ? `tiles/${k}/${level}/${column}-${row}.webp` : null;
  }

  /** Draws the part x1, y1, x2, y2 of a plane, at `scale` pixels of the canvas per pixel of the plane. */
  async function drawImagery(context, plane, [x1, y1, x2, y2], scale) {
    const parts = [];
    for (const image of plane.images) {
      const { x, y, width, height, first, top, levels } = image;
      if (x >= x2 || y >= y2 || x + width <= x1 || y + height <= y1) continue;
      const level = Math.min(top, Math.max(first, Math.floor(-Math.log2(scale) + 0.01)));
      const side = TILE * 2 ** level;
      const { columns, rows } = levels[level - first];
      const [c1, r1] = [Math.max(0, Math.floor((x1 - x) / side)), Math.max(0, Math.floor((y1 - y) / side))];
      for (let row = r1; row < rows && y + row * side < y2; row++) {
        for (let column = c1; column < columns && x + column * side < x2; column++) {
          const url = tileUrl(image.index, level, column, row);
          if (url !== null)
            parts.push({ image, level, left: column * side, top: row * side, side, loading: loadTile(url) });
        }
      }
    }
    for (const { image, level, left, top, side, loading } of parts) {
      const tile = await loading;
      if (tile === null) continue;
      // The last pixel of a level may reach over the edge of the image.
      const [width, height] = [Math.min(side, image.width - left), Math.min(side, image.height - top)];
      // Whole pixels, so that there are no seams between tiles.
      const edges = [image.x + left - x1, image.y + top - y1].flatMap((at, axis) => {
        const start = Math.round(at * scale);
        return [start, Math.round((at + [width, height][axis]) * scale) - start];
      });
      context.drawImage(tile, 0, 0, width / 2 ** level, height / 2 ** level, edges[0], edges[2], edges[1], edges[3]);
    }
  }

  /** A canvas for a tile of a layer, with as many pixels as the screen has. */
  function tileCanvas(className) {
    const canvas = document.createElement('canvas');
    canvas.className = className;
    canvas.width = canvas.height = Math.round(TILE * globalThis.devicePixelRatio);
    return canvas;
  }

  /** The part of a plane that a tile of a layer shows. */
  function partOf({ x, y, z }) {
    const side = TILE / 2 ** z;
    return [x * side, y * side, (x + 1) * side, (y + 1) * side];
  }

  const Imagery = L.GridLayer.extend({
    createTile(coords, done) {
      const canvas = tileCanvas(coords.z >= 0 ? 'sharp' : '');
      const context = canvas.getContext('2d');
      const scale = (canvas.width / TILE) * 2 ** coords.z;
      drawImagery(context, planes[state.plane], partOf(coords), scale).then(
        () => done(null, canvas),
        (error) => done(error, canvas),
      );
      return canvas;
    },
  });

  // Boxes.

  /** Boxes with shorter sides, in pixels of the screen, are drawn as dots. */
  const DOT = 4;
  /** With more boxes in a tile, lines are thin and without dark edges, which would hide the image. */
  const MOST_EDGED = 500;

  /** Draws rectangles, four numbers each. */
  function drawRects(context, rects) {
    for (let k = 0; k < rects.length; k += 4) {
      const [left, top, width, height] = [rects[k], rects[k + 1], rects[k + 2], rects[k + 3]];
      if (Math.max(width, height) >= DOT) context.strokeRect(left, top, width, height);
      else context.fillRect(left + width / 2 - 1.5, top + height / 2 - 1.5, 3, 3);
    }
  }

  const Boxes = L.GridLayer.extend({
    initialize(options) {
      L.setOptions(this, options);
      this.painted = new Map();
      this.on('tileunload', ({ tile }) => this.painted.delete(tile));
    },
    createTile(coords) {
      const canvas = tileCanvas('');
      this.painted.set(canvas, coords);
      this.paint(canvas, coords);
      return canvas;
    },
    /** Draws all tiles again, with the filters as they are now. */
    repaint() {
      for (const [canvas, coords] of this.painted) this.paint(canvas, coords);
    },
    paint(canvas, coords) {
      const [x1, y1, x2, y2] = partOf(coords);
      const scale = 2 ** coords.z;
      const margin = DOT / scale;
      const context = canvas.getContext('2d');
      context.setTransform(canvas.width / TILE, 0, 0, canvas.height / TILE, 0, 0);
      context.clearRect(0, 0, TILE, TILE);
      // One array for each style: four numbers per box, in pixels of the tile. Setting a style is slower than drawing.
      const groups = new Map();
      let count = 0;
      gridOfPlane(planes[state.plane]).near(x1 - margin, y1 - margin, x2 + margin, y2 + margin, (i) => {
        if (!isShown(i)) return;
        const style = styleOf(i);
        let group = groups.get(style);
        if (group === undefined) groups.set(style, (group = { isDashed: objects.kind[i] === MISS, rects: [] }));
        const [left, top] = [objects.boxes[4 * i], objects.boxes[4 * i + 1]];
        const [width, height] = [objects.boxes[4 * i + 2] - left, objects.boxes[4 * i + 3] - top];
        group.rects.push((left - x1) * scale, (top - y1) * scale, width * scale, height * scale);
        count++;
      });
      const isCrowded = count > MOST_EDGED;
      for (const [{ colour }, { isDashed, rects }] of groups) {
        if (!isCrowded) {
          context.setLineDash([]);
          context.fillStyle = context.strokeStyle = 'rgb(0 0 0 / 60%)';
          context.lineWidth = 4;
          drawRects(context, rects);
        }
        context.setLineDash(isDashed && !isCrowded ? [5, 4] : []);
        context.fillStyle = context.strokeStyle = colour;
        context.lineWidth = isCrowded ? 1 : 2;
        drawRects(context, rects);
      }
    },
  });

  const imagery = new Imagery({ minZoom: -30, maxZoom: 6, maxNativeZoom: 0 }).addTo(map);
  const boxes = new Boxes({ minZoom: -30, maxZoom: 6, updateWhenZooming: false }).addTo(map);
  const mark = L.rectangle(
    [
      [0, 0],
      [0, 0],
    ],
    { color: '#ffffff', weight: 3, fill: false, interactive: false },
  );

  Object.assign(globalThis.retinagradViewer, {
    DOT,
    map,
    latLng,
    boundsOf,
    metresOf,
    imagery,
    boxes,
    mark,
    tileUrl,
    drawImagery,
  });
})();
