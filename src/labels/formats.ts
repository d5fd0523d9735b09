/** The label formats that are read and written. */
export const writableFormats = [
  'coco', // instances JSON
  'coco-results', // JSON array of detections
  'voc', // folder of Pascal VOC XML
  'yolo', // folder of YOLO text, with or without data.yaml
  'csv', // image,x1,y1,x2,y2,label[,score]
  'keras-retinanet', // path,x1,y1,x2,y2,class without a header
  'deepforest', // image_path,xmin,ymin,xmax,ymax,label[,score]
  'spacenet-csv', // ImageId,BuildingId,PolygonWKT_Pix,PolygonWKT_Geo or Confidence
  'geojson', // a FeatureCollection in map coordinates: one for each image, or one for all
] as const;

/** All label formats: those that are written, and those of other tools, which are only read. */
export const labelFormats = [
  ...writableFormats,
  'vector', // a shapefile, GeoPackage, FlatGeobuf or KML over georeferenced images
  'via', // VGG Image Annotator 2: project or annotations as JSON, or CSV
  'labelme', // a JSON file for each image
  'cvat', // XML 1.1 "for images"
  'label-studio', // JSON export
  'dota', // folder of text with four corners in each line
  'openimages', // CSV of Open Images, in fractions of the image
  'deepforest-geometry', // CSV with a column geometry of WKT in pixels
] as const;

/** Name of a label format. */
export type LabelFormat = (typeof labelFormats)[number];
/** Name of a label format that can be written. */
export type WritableFormat = (typeof writableFormats)[number];

/** Whether a format can be written; the others are only read. */
export function isWritableFormat(format: LabelFormat): format is WritableFormat {
  return (writableFormats as readonly LabelFormat[]).includes(format);
}

/** An example of each format, for messages about files that are in none of them. */
export const formatExamples: Readonly<Record<LabelFormat, string>> = {
  coco: 'instances.json with {"images": [{"id": 1, "file_name": "a.png", "width": 640, "height": 480}], "categories": [{"id": 1, "name": "building"}], "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 12.5, 30, 47.5]}]}',
  'coco-results': 'results.json with [{"image_id": 1, "category_id": 1, "bbox": [10, 12.5, 30, 47.5], "score": 0.9}]',
  voc: 'Annotations/a.xml with <annotation><filename>a.png</filename><object><name>building</name><bndbox><xmin>11</xmin><ymin>13</ymin><xmax>40</xmax><ymax>60</ymax></bndbox></object></annotation>, images in JPEGImages/ or in the same folder',
  yolo: 'data.yaml with `names: [building]`, images/a.png, labels/a.txt with `0 0.5 0.5 0.25 0.1` (class, centre, size as fractions of the image)',
  csv: 'boxes.csv with\n    image,x1,y1,x2,y2,label\n    a.png,10,12.5,40,60,building\n    b.jpg,,,,,                     (no objects)',
  'keras-retinanet':
    'annotations.csv with `a.png,10,12,40,60,building` (no header), `b.png,,,,,` for an image without objects',
  deepforest: 'boxes.csv with\n    image_path,xmin,ymin,xmax,ymax,label\n    a.png,10,12.5,40,60,Tree',
  'spacenet-csv': 'summary.csv with `ImageId,BuildingId,PolygonWKT_Pix,PolygonWKT_Geo`',
  geojson: 'a.geojson, a FeatureCollection of polygons, for the georeferenced a.tif; or one for all images',
  via: 'via_project.json (with `_via_img_metadata`), or the exported annotations of VGG Image Annotator 2 as JSON or CSV',
  labelme:
    'a.json beside a.png, with {"shapes": [{"label": "building", "points": [[10, 12.5], [40, 60]], "shape_type": "rectangle"}], "imagePath": "a.png"}',
  cvat: 'annotations.xml with <annotations><image name="a.png"><box label="building" xtl="10" ytl="12.5" xbr="40" ybr="60"/></image></annotations>',
  'label-studio': 'project.json, a list of tasks with {"data": {"image": "a.png"}, "annotations": [{"result": [...]}]}',
  dota: 'labelTxt/a.txt with `10 12.5 40 12.5 40 60 10 60 building 0` (four corners in pixels, class, difficult), images/a.png',
  openimages: 'a CSV with ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf',
  'deepforest-geometry':
    'boxes.csv with\n    image_path,geometry,label\n    a.png,"POLYGON ((10 12.5, 40 12.5, 40 60, 10 12.5))",Tree',
  vector: 'buildings.gpkg, .shp, .fgb or .kml with polygons, over georeferenced images',
};
