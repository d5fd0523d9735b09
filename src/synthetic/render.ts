import type { Block, Building, Car, Colour, Patch, Scene, Tree } from './types.ts';

// Renders a scene as a satellite would record it: reflectances at twice the resolution are painted from the ground up,
// blurred and sampled, and converted to 16-bit levels with haze and noise.

/** Samples per pixel along each axis, for smooth edges. */
const SUPERSAMPLE = 2;

/** A pseudorandom value in [0, 1) for each lattice point, from a 32-bit hash of its coordinates. */
function lattice(x: number, y: number, seed: number): number {
  let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ seed;
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
}

/** Value noise: smooth interpolation between lattice values. */
function noise(x: number, y: number, seed: number): number {
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - x0, y - y0];
  const [sx, sy] = [fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)];
  const top = lattice(x0, y0, seed) * (1 - sx) + lattice(x0 + 1, y0, seed) * sx;
  const bottom = lattice(x0, y0 + 1, seed) * (1 - sx) + lattice(x0 + 1, y0 + 1, seed) * sx;
  return top * (1 - sy) + bottom * sy;
}

/** Fractal noise: the sum of octaves of value noise. */
function fractal(x: number, y: number, seed: number, octaves: number): number {
  let [sum, amplitude, total] = [0, 1, 0];
  for (let i = 0; i < octaves; i++) {
    sum += amplitude * noise(x * 2 ** i, y * 2 ** i, seed + i * 101);
    total += amplitude;
    amplitude *= 0.55;
  }
  return sum / total;
}

/** Reflectances of a square of `size` samples, three per sample. */
class Canvas {
  readonly size: number;
  readonly metres: number;
  readonly values: Float32Array;
  /** Light at each sample: 1 in the sun. */
  readonly light: Float32Array;

  constructor(size: number, side: number) {
    this.size = size;
    this.metres = side / size;
    this.values = new Float32Array(size * size * 3);
    this.light = new Float32Array(size * size).fill(1);
  }

  /** Calls `paint` for every sample of a rectangle in metres. */
  within(x1: number, y1: number, x2: number, y2: number, paint: (at: number, x: number, y: number) => void): void {
    const { size, metres } = this;
    const [left, right] = [Math.max(0, Math.floor(x1 / metres)), Math.min(size - 1, Math.ceil(x2 / metres))];
    const [top, bottom] = [Math.max(0, Math.floor(y1 / metres)), Math.min(size - 1, Math.ceil(y2 / metres))];
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        paint(row * size + column, (column + 0.5) * metres, (row + 0.5) * metres);
      }
    }
  }

  /** Calls `paint` for every sample in a block, with its position in the frame of the block. */
  inside(block: Block, paint: (at: number, a: number, b: number) => void, margin = 0): void {
    const { x, y, along, across, angle } = block;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const [halfX, halfY] = [along * Math.abs(c) + across * Math.abs(s), along * Math.abs(s) + across * Math.abs(c)];
    this.within(x - halfX - margin, y - halfY - margin, x + halfX + margin, y + halfY + margin, (at, px, py) => {
      const a = (px - x) * c + (py - y) * s;
      const b = -(px - x) * s + (py - y) * c;
      if (Math.abs(a) <= along + margin && Math.abs(b) <= across + margin) paint(at, a, b);
    });
  }

  set(at: number, colour: Colour, light = 1): void {
    for (let c = 0; c < 3; c++) this.values[at * 3 + c] = colour[c]! * light;
  }
}

/** Renders a scene with `pixels` x `pixels` pixels as interleaved 16-bit levels of red, green and blue. */
export function renderScene(scene: Scene, pixels: number): Uint16Array<ArrayBuffer> {
  const canvas = new Canvas(pixels * SUPERSAMPLE, scene.side);
  drawGround(canvas, scene);
  drawStreets(canvas, scene);
  drawPatches(canvas, scene);
  for (const tree of scene.trees) castRoundShadow(canvas, scene, tree);
  for (const building of scene.buildings) castShadow(canvas, scene, building);
  for (const car of scene.cars) {
    const [dx, dy] = scene.shadow;
    canvas.inside({ ...car, x: car.x + dx * 0.8, y: car.y + dy * 0.8 }, (at) => shade(canvas, at));
  }
  applyLight(canvas);
  for (const car of scene.cars) drawCar(canvas, car);
  for (const building of scene.buildings) drawRoof(canvas, scene, building);
  for (const [i, tree] of scene.trees.entries()) drawTree(canvas, scene, tree, i);
  return record(canvas, scene, pixels);
}

function drawGround(canvas: Canvas, { seed, green, side }: Scene): void {
  const grass: Colour = [0.15, 0.2, 0.08];
  const dry: Colour = [0.3, 0.27, 0.17];
  canvas.within(0, 0, side, side, (at, x, y) => {
    const swell = fractal(x / 22, y / 22, seed, 4);
    const grain = fractal(x / 1.1, y / 1.1, seed + 7, 2);
    const fraction = Math.min(1, Math.max(0, green + (swell - 0.5) * 1.8));
    for (let c = 0; c < 3; c++) {
      canvas.values[at * 3 + c] = (grass[c]! * fraction + dry[c]! * (1 - fraction)) * (0.75 + 0.5 * grain);
    }
  });
}

function drawStreets(canvas: Canvas, { streets, side, seed, kind }: Scene): void {
  if (kind === 'empty' && seed % 3 !== 0) return;
  const { angle, spacing, crossSpacing, offset, crossOffset, halfWidth, bend, wave } = streets;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const nearest = (value: number, step: number): number => value - Math.round(value / step) * step;
  const asphalt: Colour = streets.paved ? [0.19, 0.19, 0.2] : [0.36, 0.31, 0.23];
  canvas.within(0, 0, side, side, (at, x, y) => {
    const v = -x * s + y * c;
    const u = x * c + y * s - bend * Math.sin((2 * Math.PI * v) / wave);
    const across = nearest(u - offset, spacing);
    const cross = streets.crossed ? nearest(v - crossOffset, crossSpacing) : Infinity;
    const distance = Math.min(Math.abs(across), Math.abs(cross));
    if (distance > halfWidth + 1.6) return;
    const grain = 0.88 + 0.24 * fractal(x / 3, y / 3, seed + 31, 3);
    if (distance <= halfWidth) {
      // A dashed line in the middle, except on crossings.
      const along = Math.abs(across) < Math.abs(cross) ? v : u;
      const other = Math.max(Math.abs(across), Math.abs(cross));
      const dash =
        streets.paved &&
        halfWidth > 3.4 &&
        distance < 0.14 &&
        other > halfWidth &&
        along - 6 * Math.floor(along / 6) < 3;
      canvas.set(at, dash ? [0.5, 0.5, 0.48] : asphalt, grain);
    } else if (streets.paved && distance > halfWidth + 0.3) {
      canvas.set(at, [0.36, 0.35, 0.33], grain);
    }
  });
}

function drawPatches(canvas: Canvas, { patches, seed }: Scene): void {
  for (const patch of patches) {
    canvas.inside(patch, (at, a, b) => {
      const grain = 0.9 + 0.2 * fractal(a / 1.5 + 50, b / 1.5 + 50, seed + 57, 2);
      const rows = patch.pattern === 'rows' ? 1 + 0.22 * Math.sin(b * 3.1) : 1;
      canvas.set(at, patchColour(patch, a, b), grain * rows);
    });
  }
}

/** The colour of a patch at a point in its frame: lines of bays and courts, and the rim of water, have their own. */
function patchColour({ colour, pattern, along, across }: Patch, a: number, b: number): Colour {
  const isBayLine = (): boolean =>
    Math.abs(a - 2.8 * Math.round(a / 2.8)) < 0.12 && Math.abs(b - 7 * Math.round(b / 7)) > 1;
  const isCourtLine = (): boolean =>
    Math.abs(along - 0.6 - Math.abs(a)) < 0.12 || Math.abs(across - 0.6 - Math.abs(b)) < 0.12 || Math.abs(a) < 0.1;
  if (pattern === 'bays' && isBayLine()) return [0.5, 0.5, 0.48];
  if (pattern === 'court' && isCourtLine()) return [0.5, 0.5, 0.48];
  const isRim = along - Math.abs(a) < 0.5 || across - Math.abs(b) < 0.5;
  return pattern === 'water' && isRim ? [0.5, 0.48, 0.44] : colour;
}

/** Light in the shade, from the sky alone. */
const SKY_LIGHT = 0.36;

function shade(canvas: Canvas, at: number): void {
  canvas.light[at] = SKY_LIGHT;
}

/** Casts the shadow of a building: its outline swept along the direction of the shadow. */
function castShadow(canvas: Canvas, { shadow: [dx, dy] }: Scene, { blocks, height }: Building): void {
  const steps = Math.ceil((height * Math.hypot(dx, dy)) / (canvas.metres * 1.5));
  for (let i = 0; i <= steps; i++) {
    const reach = (height * i) / steps;
    for (const block of blocks) {
      canvas.inside({ ...block, x: block.x + dx * reach, y: block.y + dy * reach }, (at) => shade(canvas, at));
    }
  }
}

function castRoundShadow(canvas: Canvas, { shadow: [dx, dy] }: Scene, { x, y, radius }: Tree): void {
  const height = radius * 1.6;
  const [cx, cy] = [x + dx * height, y + dy * height];
  canvas.within(cx - radius, cy - radius, cx + radius, cy + radius, (at, px, py) => {
    if ((px - cx) ** 2 + (py - cy) ** 2 < radius * radius) shade(canvas, at);
  });
}

/** Multiplies reflectances by the light on the ground. What is drawn afterwards is above the shadows. */
function applyLight({ values, light }: Canvas): void {
  for (let at = 0; at < light.length; at++) for (let c = 0; c < 3; c++) values[at * 3 + c]! *= light[at]!;
}

function drawCar(canvas: Canvas, car: Car): void {
  canvas.inside(car, (at, a, b) => {
    const glass = Math.abs(Math.abs(a) - car.along * 0.45) < 0.35 && Math.abs(b) < car.across * 0.8;
    canvas.set(at, glass ? [0.07, 0.08, 0.09] : car.colour);
  });
}

function drawRoof(canvas: Canvas, { shadow: [dx, dy] }: Scene, building: Building): void {
  const { blocks, form, colour, seed } = building;
  const sun = Math.hypot(dx, dy);
  // Light on a slope that faces (nx, ny): brightest towards the sun, opposite to the shadows.
  const lit = (nx: number, ny: number): number => 1 - 0.42 * ((nx * dx + ny * dy) / sun);
  for (const [k, block] of blocks.entries()) {
    const { along, across, angle } = block;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const ridgeAlong = along >= across;
    canvas.inside(block, (at, a, b) => {
      // Positions along and across the ridge.
      const [p, q] = ridgeAlong ? [a, b] : [b, a];
      const [long, short] = ridgeAlong ? [along, across] : [across, along];
      let light = 1;
      if (form === 'flat') {
        const edge = Math.min(along - Math.abs(a), across - Math.abs(b));
        const inWing = blocks.length > 1 && k === 0;
        if (edge < 0.45 && !inWing) light = 1.18;
      } else {
        const onEnd = form === 'hip' && long - Math.abs(p) < short - Math.abs(q);
        const [ap, aq] = onEnd ? [Math.sign(p), 0] : [0, Math.sign(q)];
        const [na, nb] = ridgeAlong ? [ap, aq] : [aq, ap];
        light = lit(na * c - nb * s, na * s + nb * c);
        // Rows of tiles, parallel to the ridge.
        light *= 1 + 0.05 * Math.sin((onEnd ? p : q) * 9);
        if (!onEnd && Math.abs(q) < 0.18) light *= 1.12;
      }
      const [wx, wy] = [block.x + a * c - b * s, block.y + a * s + b * c];
      canvas.set(at, colour, light * (0.86 + 0.28 * fractal(wx / 2.2, wy / 2.2, seed, 3)));
    });
  }
  drawRoofDetails(canvas, building);
}

/** Draws chimneys on slopes, and machines and skylights on flat roofs. */
function drawRoofDetails(canvas: Canvas, { blocks, form, colour, seed }: Building): void {
  const main = blocks[0]!;
  const count = form === 'flat' ? 1 + Math.floor(lattice(1, 1, seed) * 5) : 1;
  for (let i = 0; i < count; i++) {
    const a = (lattice(i, 2, seed) - 0.5) * 1.5 * (main.along - 1);
    const b = (lattice(i, 3, seed) - 0.5) * 1.4 * (main.across - 1);
    const [c, s] = [Math.cos(main.angle), Math.sin(main.angle)];
    const half = form === 'flat' ? 0.5 + lattice(i, 4, seed) * 0.8 : 0.32;
    const box = {
      x: main.x + a * c - b * s,
      y: main.y + a * s + b * c,
      along: half,
      across: half * 0.8,
      angle: main.angle,
    };
    canvas.inside({ ...box, x: box.x - 0.5, y: box.y - 0.6 }, (at) => canvas.set(at, colour, 0.45));
    canvas.inside(box, (at) => canvas.set(at, [0.5, 0.5, 0.5], 0.7 + 0.5 * lattice(i, 5, seed)));
  }
}

function drawTree(canvas: Canvas, { shadow: [dx, dy], seed }: Scene, { x, y, radius, colour }: Tree, i: number): void {
  const reach = radius * 1.25;
  canvas.within(x - reach, y - reach, x + reach, y + reach, (at, px, py) => {
    const [ox, oy] = [(px - x) / radius, (py - y) / radius];
    // An uneven edge, and leaves that are brighter towards the sun.
    const edge = 0.75 + 0.5 * noise(ox * 2 + i * 9, oy * 2, seed + 77);
    const d = ox * ox + oy * oy;
    if (d > edge * edge) return;
    const leaves = fractal(px * 1.3, py * 1.3, seed + 99, 2);
    const dome = 1 - 0.55 * ((ox * dx + oy * dy) / Math.hypot(dx, dy));
    canvas.set(at, colour, (0.55 + 0.9 * leaves) * Math.max(0.3, dome));
  });
}

/** Level of each band at a reflectance of 0 (haze, strongest in blue), and increase up to a reflectance of 1. */
const DARK = [95, 150, 205];
const GAIN = [1750, 1850, 1500];

/** Converts reflectances to levels: blur of the optics, sampling, brightness of the day, and noise of the sensor. */
function record(canvas: Canvas, { seed }: Scene, pixels: number): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array(pixels * pixels * 3);
  const gain = 0.88 + 0.26 * lattice(5, 5, seed);
  const haze = 0.8 + 0.6 * lattice(6, 6, seed);
  for (let at = 0; at < out.length; at++) {
    const pixel = Math.floor(at / 3);
    const [row, column, c] = [Math.floor(pixel / pixels), pixel % pixels, at % 3];
    // The sum of three uniform numbers is nearly normal; its spread grows with the signal.
    const grain = lattice(at, 11, seed) + lattice(at, 12, seed) + lattice(at, 13, seed) - 1.5;
    const level = DARK[c]! * haze + GAIN[c]! * gain * blurred(canvas, row, column, c);
    out[at] = Math.min(65535, Math.max(1, Math.round(level + grain * (8 + 0.02 * level))));
  }
  return out;
}

/** Weights of a 4 x 4 window around the 2 x 2 samples of a pixel: the point spread of a sensor exceeds its pixel. */
const TAPS = [0.12, 0.38, 0.38, 0.12];

/** The reflectance of a pixel in band `c`. */
function blurred({ values, size }: Canvas, row: number, column: number, c: number): number {
  let sum = 0;
  for (let j = 0; j < 4; j++) {
    const y = Math.min(size - 1, Math.max(0, row * SUPERSAMPLE + j - 1));
    for (let i = 0; i < 4; i++) {
      const x = Math.min(size - 1, Math.max(0, column * SUPERSAMPLE + i - 1));
      sum += TAPS[i]! * TAPS[j]! * values[(y * size + x) * 3 + c]!;
    }
  }
  return sum;
}
