import { counted, defined } from '../../common/check.ts';
import type { DetectorDescription } from '../../detector/detector.ts';
import type { OnnxForm } from './forms.ts';

/** Overlap of neighbouring tiles in percent: that of `detectRaster`. */
const OVERLAP = 20;

/**
 * What GIS tools read about a detector: Deepness (a plugin of QGIS), whose names these are, and GeoDeep, the detection of WebODM.
 * Every value is JSON.
 */
export function onnxMetadata(
  { classes, scoreThreshold, spec, decoding }: DetectorDescription,
  {
    form,
    tile,
    resolution = decoding.groundResolution === undefined ? undefined : decoding.groundResolution * 100,
  }: { readonly form: OnnxForm; readonly tile: number; readonly resolution: number | undefined },
): { readonly metadata: Record<string, string>; readonly notes: string[] } {
  const names = Object.fromEntries(classes.map((name, label) => [label, name]));
  const values = defined({
    model_type: 'Detector',
    // The name by which both tools know columns of cx, cy, w, h and scores.
    det_type: form === 'boxes' ? 'YOLO_v9' : undefined,
    class_names: names,
    names,
    resolution: resolution === undefined ? undefined : Number(resolution.toPrecision(6)),
    // Deepness reads the one and documents the other.
    tile_size: tile,
    tiles_size: tile,
    tiles_overlap: OVERLAP,
    det_conf: scoreThreshold,
    det_iou_thresh: spec.postprocess.nmsThreshold,
  });
  const metadata = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, JSON.stringify(value)]));
  const notes = [
    ...(form === 'boxes' && resolution === undefined
      ? [
          'the size of a pixel on the ground is not known, and GIS tools assume one (GeoDeep: 10 cm): give the resolution',
        ]
      : []),
    ...(decoding.stretch === undefined
      ? []
      : ['the training images were stretched to 8 bits: give the file images that are stretched in the same way']),
    ...(decoding.bands === undefined
      ? []
      : [`the channels of the input are the bands ${decoding.bands.join(', ')} of the training images, in this order`]),
    ...(form === 'boxes' && spec.transform.mean.length !== 3
      ? [
          `the input has ${counted(spec.transform.mean.length, 'channel', 'channels')}: GeoDeep, WebODM and GeoLibre expect 3; Deepness maps the bands of a layer to them`,
        ]
      : []),
    ...(form === 'boxes' && classes.length > 1
      ? [
          'GeoDeep and WebODM only find objects whose score for the first class is high enough; Deepness finds all classes',
        ]
      : []),
  ];
  return { metadata, notes };
}
