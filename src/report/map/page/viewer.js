// What the reader of the page does: choosing what is shown, and looking at objects. Runs after layers.js.
(() => {
  const { L } = globalThis;
  const { images, shared } = globalThis.retinagradMap;
  const { classes, kinds } = shared;
  const { objects, isEvaluation, state, counts, isShown, styleOf, planes, gridOfPlane } = globalThis.retinagradViewer;
  const { map, latLng, boundsOf, metresOf, imagery, boxes, mark, tileUrl, drawImagery } = globalThis.retinagradViewer;
  const { DOT, HIT, MISS, FALSE_ALARM } = globalThis.retinagradViewer;
  const element = (id) => document.getElementById(id);
  const grouped = (n) => n.toLocaleString('en-US');
  const counted = (n, one, many) => `${grouped(n)} ${n === 1 ? one : many}`;

  /** Makes an element with properties and children; texts are never markup. */
  function make(tag, properties = {}, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  /** Shows a plane, or an image of it. */
  function show(plane, bounds) {
    if (state.plane !== plane) {
      map.closePopup();
      state.plane = plane;
      const whole = boundsOf(planes[plane].bounds);
      map.setMaxBounds(null).setMinZoom(-30);
      map.fitBounds(boundsOf(bounds), { animate: false });
      map.setMinZoom(Math.min(0, map.getBoundsZoom(whole) - 1)).setMaxBounds(whole.pad(1));
      imagery.redraw();
      boxes.redraw();
      if (metresOf(planes[plane]) === null) scale.remove();
      else scale.addTo(map);
    } else map.fitBounds(boundsOf(bounds));
    markCurrent();
  }
  const scale = L.control.scale({ imperial: false, maxWidth: 140 });
  const boundsOfImage = ({ x, y, width, height }) => [x, y, x + width, y + height];

  // Places.

  /** The image at a point of the plane: the last, which is drawn on top. */
  const imageAt = (x, y) =>
    planes[state.plane].images.findLast(
      (one) => x >= one.x && y >= one.y && x < one.x + one.width && y < one.y + one.height,
    );

  /** Texts of a place in an image: map coordinates, and longitude and latitude, as far as they are known. */
  function placeTexts({ affine, epsg, geographic, lonLat, width, height }, column, row) {
    const texts = {};
    if (affine !== null) {
      const [a, b, c, d, e, f] = affine;
      const digits = geographic === true ? 6 : 2;
      const system = epsg === null ? '' : ` (EPSG:${epsg})`;
      texts.map = `${(a * column + b * row + c).toFixed(digits)}, ${(d * column + e * row + f).toFixed(digits)}${system}`;
    }
    if (lonLat !== null) {
      const weights = (t) => [(1 - t) * (1 - 2 * t), 4 * t * (1 - t), t * (2 * t - 1)];
      const [u, v] = [weights(column / width), weights(row / height)];
      const value = (axis) => lonLat.reduce((sum, point, k) => sum + point[axis] * u[k % 3] * v[Math.floor(k / 3)], 0);
      const [lon, lat] = [value(0), value(1)];
      texts.lonLat = `${Math.abs(lat).toFixed(5)}° ${lat < 0 ? 'S' : 'N'}, ${Math.abs(lon).toFixed(5)}° ${lon < 0 ? 'W' : 'E'}`;
    }
    return texts;
  }

  const readout = L.control({ position: 'bottomleft' });
  readout.onAdd = () => make('div', { className: 'readout' });
  readout.addTo(map);
  map.on('mousemove', ({ latlng }) => {
    const image = imageAt(latlng.lng, -latlng.lat);
    if (image === undefined) return void readout.getContainer().replaceChildren();
    const [column, row] = [latlng.lng - image.x, -latlng.lat - image.y];
    const texts = placeTexts(image, column, row);
    const lines = [`x ${Math.floor(column)}, y ${Math.floor(row)}`, texts.map, texts.lonLat];
    readout.getContainer().textContent = lines.filter((line) => line !== undefined).join('  |  ');
  });
  map.on('mouseout', () => readout.getContainer().replaceChildren());

  // Details of an object.

  const CROP = { width: 264, height: 168 };

  /** The surroundings of an object, with its box. */
  function cropOf(i) {
    const ratio = globalThis.devicePixelRatio;
    const canvas = make('canvas', { width: CROP.width * ratio, height: CROP.height * ratio });
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `Part of the image around the ${classes[objects.label[i]].name}`);
    const [x1, y1, x2, y2] = objects.boxes.subarray(4 * i, 4 * i + 4);
    const scale = Math.min(
      canvas.width / (1.8 * Math.max(x2 - x1, 4)),
      canvas.height / (1.8 * Math.max(y2 - y1, 4)),
      16,
    );
    const [left, top] = [(x1 + x2) / 2 - canvas.width / scale / 2, (y1 + y2) / 2 - canvas.height / scale / 2];
    const context = canvas.getContext('2d');
    context.imageSmoothingEnabled = scale < 2;
    const part = [left, top, left + canvas.width / scale, top + canvas.height / scale];
    drawImagery(context, planes[state.plane], part, scale).then(() => {
      context.strokeStyle = styleOf(i).colour;
      context.lineWidth = 2 * ratio;
      context.setLineDash(objects.kind[i] === MISS ? [6 * ratio, 4 * ratio] : []);
      context.strokeRect((x1 - left) * scale, (y1 - top) * scale, (x2 - x1) * scale, (y2 - y1) * scale);
    });
    return canvas;
  }

  /** What is known of an object, as rows of a name and a text. */
  function rowsOf(i) {
    const image = images[objects.image[i]];
    const [x1, y1, x2, y2] = Array.from(
      objects.boxes.subarray(4 * i, 4 * i + 4),
      (v, c) => v - (c % 2 === 0 ? image.x : image.y),
    );
    const exact = (value) => String(Math.round(value * 100) / 100);
    const short = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(1));
    const { metres } = image;
    const texts = placeTexts(image, (x1 + x2) / 2, (y1 + y2) / 2);
    const score = objects.score[i];
    return [
      isEvaluation ? ['Outcome', kinds[objects.kind[i]].name] : null,
      score === -Infinity ? null : [objects.kind[i] === MISS ? 'Found with score' : 'Score', (score / 1e6).toFixed(3)],
      metres === null ? null : ['Size', `${short((x2 - x1) * metres[0])} × ${short((y2 - y1) * metres[1])} m`],
      ['Pixels', `${exact(x2 - x1)} × ${exact(y2 - y1)}`],
      ['Box', `${[x1, y1, x2, y2].map(exact).join(', ')}`],
      texts.map === undefined ? null : ['Centre', texts.map],
      texts.lonLat === undefined ? null : ['', texts.lonLat],
      ['Image', image.name],
    ].filter((row) => row !== null);
  }

  /** Opens the popup of an object. */
  function select(i) {
    const [x1, y1, x2, y2] = objects.boxes.subarray(4 * i, 4 * i + 4);
    const rows = rowsOf(i).flatMap(([name, text]) => [make('dt', {}, name), make('dd', {}, text)]);
    const content = make(
      'div',
      { className: 'popup' },
      make('h2', {}, classes[objects.label[i]].name),
      cropOf(i),
      make('dl', {}, ...rows),
    );
    L.popup({ minWidth: CROP.width, maxWidth: CROP.width, autoPanPadding: [12, 12] })
      .setLatLng(latLng((x1 + x2) / 2, y1))
      .setContent(content)
      .openOn(map);
    // After that, because the popup before is closed by it.
    state.selected = i;
    mark.setBounds(boundsOf([x1, y1, x2, y2])).addTo(map);
  }
  map.on('popupclose', () => {
    state.selected = -1;
    mark.remove();
  });

  map.on('click', ({ latlng }) => {
    const [x, y] = [latlng.lng, -latlng.lat];
    const reach = DOT / 2 ** map.getZoom();
    let [best, bestArea] = [-1, Infinity];
    gridOfPlane(planes[state.plane]).near(x - reach, y - reach, x + reach, y + reach, (i) => {
      const [x1, y1, x2, y2] = objects.boxes.subarray(4 * i, 4 * i + 4);
      if (!isShown(i) || x < x1 - reach || x > x2 + reach || y < y1 - reach || y > y2 + reach) return;
      // Of several the smallest, which the others may surround.
      const area = (x2 - x1) * (y2 - y1);
      if (area < bestArea) [best, bestArea] = [i, area];
    });
    if (best >= 0) select(best);
  });

  // From object to object.

  /** Objects from the highest score down. */
  let order;
  function step(by) {
    order ??= Uint32Array.from({ length: objects.n }, (_, i) => i).sort(
      (a, b) => objects.score[b] - objects.score[a] || a - b,
    );
    const start = state.selected < 0 ? (by > 0 ? -1 : order.length) : order.indexOf(state.selected);
    for (let k = start + by; k >= 0 && k < order.length; k += by) {
      const i = order[k];
      if (!isShown(i)) continue;
      const image = images[objects.image[i]];
      const [x1, y1, x2, y2] = objects.boxes.subarray(4 * i, 4 * i + 4);
      if (image.plane !== state.plane) show(image.plane, boundsOfImage(image));
      map.setView(latLng((x1 + x2) / 2, (y1 + y2) / 2), Math.max(map.getZoom(), 0), { animate: false });
      select(i);
      return;
    }
  }
  element('next').addEventListener('click', () => step(1));
  element('previous').addEventListener('click', () => step(-1));

  // Filters.

  const slider = element('threshold');
  const finite = objects.score.filter((score) => score > -Infinity);
  const lowest = Math.min(
    state.threshold,
    finite.reduce((a, b) => Math.min(a, b), Infinity),
  );
  slider.min = Math.floor(lowest / 1e4) / 100;
  slider.max = Math.max(1, Math.ceil(finite.reduce((a, b) => Math.max(a, b), -Infinity) / 1e4) / 100);
  slider.step = 0.01;
  slider.value = state.threshold / 1e6;
  slider.addEventListener('input', () => {
    state.threshold = Math.round(Number(slider.value) * 1e6);
    scheduleUpdate();
  });

  /** A checkbox with a name and a count, which `amounts` receives. */
  function checkRow({ name, colour }, isDashed, onChange, amounts) {
    const box = make('input', { type: 'checkbox', checked: true });
    box.addEventListener('change', () => {
      onChange(box.checked);
      scheduleUpdate();
    });
    const amount = make('span', { className: 'amount' });
    amounts.push(amount);
    const children = [box, make('span', {}, name), amount];
    if (colour !== undefined) {
      const swatch = make('span', { className: `swatch${isDashed ? ' dashed' : ''}` });
      swatch.style.borderColor = colour;
      children.splice(1, 0, swatch);
    }
    return make('label', { className: 'row' }, ...children);
  }

  const classAmounts = [];
  const classRows = make('div', { className: 'rows' });
  classes.forEach(({ name, colour }, label) => {
    const style = { name, ...(isEvaluation ? {} : { colour }) };
    classRows.append(checkRow(style, false, (on) => (state.classes[label] = on), classAmounts));
  });
  element('classes').append(classRows);
  if (classes.length > 2) {
    const setAll = (on) => {
      state.classes.fill(on);
      for (const box of classRows.querySelectorAll('input')) box.checked = on;
      scheduleUpdate();
    };
    const [all, none] = ['All', 'None'].map((text) => make('button', { type: 'button' }, text));
    all.addEventListener('click', () => setAll(true));
    none.addEventListener('click', () => setAll(false));
    element('classes').append(make('p', { className: 'buttons' }, all, none));
  }
  const kindAmounts = [];
  if (isEvaluation) {
    element('kinds').hidden = false;
    kinds.forEach((style, kind) => {
      const row = checkRow(style, kind === MISS, (on) => (state.kinds[kind] = on), kindAmounts);
      if (objects.kind.includes(kind)) element('kinds').append(row);
    });
  }

  // Images.

  const imageAmounts = [];
  const imageItems = images.map((image, k) => {
    const amount = make('span', { className: 'amount' });
    imageAmounts.push(amount);
    const button = make('button', { type: 'button' }, make('span', {}, image.name), amount);
    const thumbnail = tileUrl(k, image.top, 0, 0);
    if (thumbnail !== null) button.prepend(make('img', { src: thumbnail, alt: '', loading: 'lazy' }));
    button.addEventListener('click', () => show(image.plane, boundsOfImage(image)));
    return make('li', {}, button);
  });
  if (images.length > 1) {
    element('images').hidden = false;
    element('list').append(...imageItems);
    element('find').addEventListener('input', ({ target }) => {
      const text = target.value.toLowerCase();
      images.forEach(({ name }, k) => (imageItems[k].hidden = !name.toLowerCase().includes(text)));
    });
  }
  /** Marks the images of the list that the map shows. */
  function markCurrent() {
    images.forEach(({ plane }, k) => {
      const isCurrent = planes.length > 1 && plane === state.plane;
      imageItems[k].firstChild.setAttribute('aria-current', String(isCurrent));
    });
  }

  // Counts.

  let scheduled = false;
  function scheduleUpdate() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      update();
      boxes.repaint();
      if (state.selected >= 0 && !isShown(state.selected)) map.closePopup();
    });
  }

  /** Counts what is shown. */
  function update() {
    const perClass = classes.map(() => 0);
    const perKind = kinds.map(() => 0);
    const perImage = images.map(() => 0);
    const ofClasses = kinds.map(() => 0); // per kind, of the chosen classes, whichever kinds are chosen
    let shown = 0;
    for (let i = 0; i < objects.n; i++) {
      if (!counts(i)) continue;
      if (state.kinds[objects.kind[i]]) perClass[objects.label[i]]++;
      perKind[objects.kind[i]]++;
      if (state.classes[objects.label[i]]) ofClasses[objects.kind[i]]++;
      if (!isShown(i)) continue;
      perImage[objects.image[i]]++;
      shown++;
    }
    const text = `${(state.threshold / 1e6).toFixed(3).replace(/0$/, '')}`;
    element('threshold-value').textContent = text;
    slider.setAttribute('aria-valuetext', text);
    const total = objects.n;
    element('count').textContent = isEvaluation
      ? `${counted(shown, 'object', 'objects')} shown`
      : `${grouped(shown)} of ${counted(total, 'detection', 'detections')}`;
    [
      [classAmounts, perClass],
      [kindAmounts, perKind],
      [imageAmounts, perImage],
    ].forEach(([nodes, numbers]) => nodes.forEach((node, k) => (node.textContent = grouped(numbers[k]))));
    if (isEvaluation) showFigures(ofClasses[HIT], ofClasses[MISS], ofClasses[FALSE_ALARM]);
  }

  /** Precision, recall and F1 of the chosen classes. */
  function showFigures(hits, misses, falseAlarms) {
    const ratio = (a, b) => (b === 0 ? 'not defined' : (a / b).toFixed(3));
    const rows = [
      ['Precision', ratio(hits, hits + falseAlarms)],
      ['Recall', ratio(hits, hits + misses)],
      ['F1', ratio(2 * hits, 2 * hits + misses + falseAlarms)],
    ].map(([name, value]) => make('tr', {}, make('th', { scope: 'row' }, name), make('td', {}, value)));
    element('figures').replaceChildren(make('table', {}, make('tbody', {}, ...rows)));
  }

  const reduced = images.filter(({ first }) => first > 0);
  if (reduced.length > 0) {
    const what = images.length === 1 ? 'The image' : counted(reduced.length, 'image', 'images');
    const factors = [...new Set(reduced.map(({ first }) => 2 ** first))].sort((a, b) => a - b);
    const factor = factors.map((value) => `1/${value}`).join(' or ');
    element('notes').textContent =
      `${what} ${reduced.length === 1 ? 'is' : 'are'} shown at ${factor} of the resolution to limit the number of files.`;
  }

  show(0, planes[0].bounds);
  update();
})();
