import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boundsOf, ringArea, type Box, type Point } from '../../src/imagery/geometry.ts';
import { ellipseBox, turnedBox } from '../../src/labels/shapes.ts';

const near = (actual: readonly number[], expected: readonly number[], tolerance: number): void => {
  assert.is(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) <= tolerance, `${actual.join(', ')}, expected ${expected.join(', ')}`);
  });
};

test('a turned box: right angles are exact, a full turn is none', () => {
  const box: Box = [10, 20, 50, 40];
  for (const degrees of [0, 360, -720]) assert.equal(turnedBox(box, degrees), { box });
  const corners = (degrees: number, pivot?: Point): unknown =>
    'polygons' in turnedBox(box, degrees, pivot)
      ? (turnedBox(box, degrees, pivot) as { polygons: unknown[][] }).polygons[0]![0]
      : null;
  assert.equal(corners(90), [
    [40, 10],
    [40, 50],
    [20, 50],
    [20, 10],
  ]);
  assert.equal(corners(-270), corners(90));
  assert.equal(corners(180), [
    [50, 40],
    [10, 40],
    [10, 20],
    [50, 20],
  ]);
  assert.equal(corners(90, [10, 20]), [
    [10, 20],
    [10, 60],
    [-10, 60],
    [-10, 20],
  ]);
});

test('a turned box keeps its sides, area and centre', () => {
  const number = fc.double({ min: -100, max: 100, noNaN: true });
  const side = fc.double({ min: 1, max: 100, noNaN: true });
  fc.assert(
    fc.property(number, number, side, side, fc.double({ min: 1, max: 359, noNaN: true }), (x, y, w, h, degrees) => {
      const shape = turnedBox([x, y, x + w, y + h], degrees);
      const ring = 'polygons' in shape ? shape.polygons[0]![0]! : [];
      const [a, b, c] = [ring[0]!, ring[1]!, ring[2]!];
      near([Math.hypot(b[0] - a[0], b[1] - a[1]), Math.hypot(c[0] - b[0], c[1] - b[1])], [w, h], 1e-9);
      near([ringArea(ring)], [w * h], 1e-7);
      near([(a[0] + c[0]) / 2, (a[1] + c[1]) / 2], [x + w / 2, y + h / 2], 1e-9);
      // Clockwise as seen, with y down: the upper side turns by the angle.
      const angle = (Math.atan2(b[1] - a[1], b[0] - a[0]) * 180) / Math.PI;
      near([(angle + 360) % 360], [degrees], 1e-6);
    }),
  );
});

test('the box around a turned ellipse is that of its points', () => {
  for (const degrees of [0, 17, 45, 90, 133, 250]) {
    const [centre, [rx, ry], angle] = [[5, 7] as const, [20, 8] as const, (degrees * Math.PI) / 180];
    const points = Array.from({ length: 20_000 }, (_, i): Point => {
      const t = (i * Math.PI) / 10_000;
      const [u, v] = [rx * Math.cos(t), ry * Math.sin(t)];
      return [
        centre[0] + u * Math.cos(angle) - v * Math.sin(angle),
        centre[1] + u * Math.sin(angle) + v * Math.cos(angle),
      ];
    });
    near(ellipseBox(centre, [rx, ry], degrees), boundsOf(points), 1e-6);
  }
});

test.run();
