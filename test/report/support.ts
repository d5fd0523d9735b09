import * as assert from 'uvu/assert';
import { imageShape } from '../../src/imagery/image.ts';
import type { Georeference, Raster, RasterPixels } from '../../src/imagery/raster.ts';
import type { PixelWindow, RgbImage } from '../../src/imagery/types.ts';

export { refuses } from '../support/errors.ts';

/** Asserts that a text is well-formed XML: tags nest, attributes are quoted and unique, no stray markup. */
export function checkXml(text: string): void {
  const open: string[] = [];
  let roots = 0;
  let rest = text;
  while (rest.length > 0) {
    const content = /^[^<&]*|^&(?:#\d+|#x[\da-f]+|amp|lt|gt|quot|apos);/i;
    const tag =
      /^<(\/?)([a-z][a-z\d]*)((?:\s+[a-z][\w:-]*="(?:[^"<&]|&(?:#\d+|amp|lt|gt|quot|apos);)*")*)\s*(\/?)>/i.exec(rest);
    if (tag !== null) {
      const [whole, closing, name = '', attributes = '', empty] = tag;
      const names = Array.from(attributes.matchAll(/([\w:-]+)="/g), (match) => match[1]);
      assert.is(new Set(names).size, names.length, `attributes of ${whole} are unique`);
      if (closing === '/') assert.is(open.pop(), name, `</${name}> closes its element`);
      else {
        if (open.length === 0) roots++;
        if (empty !== '/') open.push(name);
      }
      rest = rest.slice(whole.length);
      continue;
    }
    const [eaten = ''] = content.exec(rest) ?? [];
    const entity = /^&(?:#\d+|amp|lt|gt|quot|apos);/.exec(rest)?.[0] ?? '';
    const step = eaten.length > 0 ? eaten : entity;
    assert.ok(step.length > 0, `stray markup at: ${rest.slice(0, 60)}`);
    if (open.length === 0) assert.is(step.trim(), '', 'no text outside the root');
    rest = rest.slice(step.length);
  }
  assert.equal(open, [], 'all elements are closed');
  assert.is(roots, 1, 'one root element');
  assert.not.ok(/NaN|Infinity|undefined/.test(text), 'only values that can be drawn');
}

/** The texts of an SVG in order, with entities resolved. */
export function svgTexts(svg: string): string[] {
  return Array.from(svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g), ([, text = '']) =>
    text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))),
  );
}

/** Points of the lines of an SVG chart's series, in pixels of the plot. */
export function svgLines(svg: string): [x: number, y: number][][] {
  return Array.from(svg.matchAll(/<path d="M([^"]*)"\/>/g), ([, path = '']) =>
    path.split('L').map((point) => point.split(' ').map(Number) as [number, number]),
  );
}

/** Pixels of an image as rows of characters, named by colour; `?` for colours that have no name. */
export function pixelRows(image: RgbImage, names: Readonly<Record<string, readonly number[]>>): string[] {
  const [height = 0, width = 0] = image.shape;
  const keys = new Map(Object.entries(names).map(([name, colour]) => [colour.join(), name]));
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (__, x) => {
      return keys.get([0, 1, 2].map((c) => image.get(y, x, c)).join()) ?? '?';
    }).join(''),
  );
}

/** Asserts that a page is well-formed, self-contained and accessible. */
export function checkPage(html: string): void {
  assert.match(html, /^<!doctype html>\n<html lang="en">/);
  checkXml(html.slice(html.indexOf('<html')));
  assert.not.match(html, /<script|<link|<iframe|\son\w+="|@import|url\(/i);
  // Namespaces are names, not URLs that are fetched.
  assert.not.match(html.replaceAll('http://www.w3.org/2000/svg', ''), /(?:src|href)="(?!data:|#)|https?:\/\//);
  const ids = Array.from(html.matchAll(/\sid="([^"]*)"/g), ([, id]) => id);
  assert.is(new Set(ids).size, ids.length, 'ids are unique');
  for (const [, id] of html.matchAll(/(?:href="#|aria-labelledby=")([^"]*)"/g)) assert.ok(ids.includes(id), `#${id}`);
  for (const [tag] of html.matchAll(/<img[^>]*>/g)) assert.match(tag, /\salt="/);
  for (const [tag] of html.matchAll(/<th[ >][^>]*>/g)) assert.match(tag, / scope="/);
  for (const [, drawing] of html.matchAll(/<svg[^>]*role="img"[^>]*>\n(<\w+)/g)) assert.is(drawing, '<title');
  const levels = Array.from(html.matchAll(/<h(\d)/g), ([, level]) => Number(level));
  assert.is(levels[0], 1);
  levels.slice(1).forEach((level, i) => assert.ok(level >= 2 && level <= levels[i]! + 1, 'no heading is skipped'));
}

/** The text of a page, without tags, in one line. */
export const pageText = (html: string) =>
  html
    .slice(html.indexOf('<body>'))
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replaceAll(/\s+/g, ' ');

/** An image in memory as a raster, and how often its pixels were read. */
export function memoryRaster(
  image: RgbImage,
  place: Partial<Georeference> & { readonly valid?: Uint8Array; readonly path?: string } = {},
): Raster & { readonly windows: PixelWindow[] } {
  const { height, width } = imageShape(image);
  const { affine = null, epsg = null, geographic = null, valid, path = 'memory' } = place;
  const windows: PixelWindow[] = [];
  const read = async (window: PixelWindow): Promise<RasterPixels> => {
    const { x, y } = window;
    assert.ok(x >= 0 && y >= 0 && x + window.width <= width && y + window.height <= height, 'inside the raster');
    windows.push(window);
    const isValid = (_: unknown, i: number): number =>
      valid![(y + Math.floor(i / window.width)) * width + x + (i % window.width)]!;
    return {
      image: image.hi(y + window.height, x + window.width, 3).lo(y, x, 0),
      valid: valid === undefined ? null : Uint8Array.from({ length: window.width * window.height }, isValid),
    };
  };
  return { path, width, height, affine, epsg, geographic, windows, read, close: () => Promise.resolve() };
}
