// What three GIS tools make of the output of an ONNX file, written from their rules: a file that these understand, they do.
import { boxIou } from '../../src/imagery/boxes.ts';

/** An object as a tool reports it. */
export interface ReadObject {
  readonly box: readonly [number, number, number, number];
  readonly score: number;
  readonly name: string;
}

interface Output {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

interface Row {
  readonly box: readonly [number, number, number, number];
  readonly scores: readonly number[];
}

/** Rows of cx, cy, w, h and scores from columns (the tools' "inverted" layout). */
function rowsOf({ dims, data }: Output): Row[] {
  const [, height, count] = dims as [number, number, number];
  return Array.from({ length: count }, (_, k) => {
    const [cx, cy, w, h, ...scores] = Array.from({ length: height }, (_, row) => data[row * count + k]!);
    return { box: [cx! - w! / 2, cy! - h! / 2, cx! + w! / 2, cy! + h! / 2], scores };
  });
}

/** Their greedy suppression of all classes together: boxes count pixels, and an IoU below the threshold is kept. */
function suppressed(rows: readonly Row[], score: (row: Row) => number, threshold: number): Row[] {
  const kept: Row[] = [];
  const area = ([x1, y1, x2, y2]: Row['box']): number => (x2 - x1 + 1) * (y2 - y1 + 1);
  const iou = ({ box: a }: Row, { box: b }: Row): number => {
    const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + 1);
    const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + 1);
    return (width * height) / (area(a) + area(b) - width * height);
  };
  for (const row of [...rows].sort((a, b) => score(b) - score(a))) {
    if (kept.every((other) => iou(other, row) < threshold)) kept.push(row);
  }
  return kept;
}

type Metadata = ReadonlyMap<string, string>;

/** A value of the metadata, which must be JSON. */
const json = <T>(metadata: Metadata, key: string): T => JSON.parse(metadata.get(key)!) as T;

/** Deepness: one output of rank 3 and batch 1; class names numbered from 0; scores start at the fifth row. */
export function deepness(output: Output, metadata: Metadata, tile: number): ReadObject[] {
  if (output.dims.length !== 3 || output.dims[0] !== 1) throw new Error(`[${output.dims}]`);
  if (json<string>(metadata, 'model_type') !== 'Detector') throw new Error('model_type');
  if (json<string>(metadata, 'det_type') !== 'YOLO_v9') throw new Error('det_type');
  if (json<number>(metadata, 'tile_size') !== tile) throw new Error('tile_size');
  for (const key of ['resolution', 'tiles_overlap']) if (!(json<number>(metadata, key) > 0)) throw new Error(key);
  const entries = Object.entries(json<Record<string, string>>(metadata, 'class_names'));
  const names = entries
    .sort((a, b) => Number(a[0]) - Number(b[0]))
    .map(([key, name], i) => {
      if (Number(key) !== i) throw new Error('class names are not consecutive');
      return name;
    });
  if (names.length !== output.dims[1]! - 4) throw new Error('number of classes');
  const best = ({ scores }: Row): number => Math.max(...scores);
  const likely = rowsOf(output).filter((row) => best(row) >= json<number>(metadata, 'det_conf'));
  return suppressed(likely, best, json<number>(metadata, 'det_iou_thresh')).map((row) => ({
    box: row.box,
    score: best(row),
    name: names[row.scores.indexOf(best(row))]!,
  }));
}

/** GeoDeep and WebODM: as Deepness, except that only the score of the first class decides. */
export function geoDeep(output: Output, metadata: Metadata): ReadObject[] {
  if (JSON.parse(metadata.get('det_type')!) !== 'YOLO_v9') throw new Error('det_type');
  if (!(Number(metadata.get('resolution')) > 0)) throw new Error('resolution');
  const names = json<Record<string, string>>(metadata, 'class_names');
  const first = ({ scores }: Row): number => scores[0]!;
  const likely = rowsOf(output).filter((row) => first(row) >= Number(metadata.get('det_conf')));
  return suppressed(likely, first, Number(metadata.get('det_iou_thresh'))).map((row) => ({
    box: row.box,
    score: first(row),
    name: names[String(row.scores.indexOf(Math.max(...row.scores)))]!,
  }));
}

/** GeoLibre: no metadata; the axis of boxes is the one nearer to a YOLO network's number of cells; suppression per class. */
export function geoLibre(output: Output, metadata: Metadata, tile: number): ReadObject[] {
  const cells = [8, 16, 32].reduce((sum, stride) => sum + (tile / stride) ** 2, 0);
  const [, second, third] = output.dims as [number, number, number];
  if (Math.abs(third - cells) >= Math.abs(second - cells)) throw new Error(`[${output.dims}] is read as rows`);
  const names = json<Record<string, string>>(metadata, 'class_names'); // which its user types
  const kept: (ReadObject & { readonly label: number })[] = [];
  const objects = rowsOf(output)
    .map(({ box, scores }) => ({ box, score: Math.max(...scores), label: scores.indexOf(Math.max(...scores)) }))
    .filter(({ score }) => score >= json<number>(metadata, 'det_conf'))
    .sort((a, b) => b.score - a.score);
  for (const object of objects) {
    const box = Float32Array.from(object.box);
    const isNew = kept.every(
      (other) => other.label !== object.label || boxIou(Float32Array.from(other.box), 0, box, 0) <= 0.45,
    );
    if (isNew) kept.push({ ...object, name: names[object.label]! });
  }
  return kept;
}
