// The entry `retinagrad/report` in Node: everything of report.ts, and what writes files.
export * from './report.ts';
export { writeMap, type MapProgress, type WriteMapOptions, type WrittenMap } from './report/node/write-map.ts';
export type { MapContents, MapImage, MapObject, MapObjectKind } from './report/map/contents.ts';
