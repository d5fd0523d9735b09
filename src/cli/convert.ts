import { counted, defined } from '../common/check.ts';
import {
  convertLabels,
  isWritableFormat,
  labelFormats,
  readLabels,
  writableFormats,
  type LabelFormat,
} from '../data-node.ts';
import { defineCommand, EXIT, type Call } from './command.ts';
import { rows, type HelpText } from './help.ts';
import { classNames, flag, number, oneOf, option, text, type OptionTable } from './options.ts';
import { UsageError } from './usage-error.ts';

const OPTIONS = {
  to: option(
    { ...oneOf(writableFormats), expected: `a format that is written: ${writableFormats.join(', ')}` },
    { value: 'FORMAT', about: 'format of the output, one of those that are written' },
  ),
  from: option(oneOf(labelFormats), {
    value: 'FORMAT',
    about: 'format of the input',
    otherwise: 'detected from file names and first lines',
  }),
  images: option(text, {
    value: 'FOLDER',
    about: 'folder of the images; YOLO and Open Images need their sizes, vector files their georeference',
    otherwise: 'found near the labels',
  }),
  classes: option(classNames, {
    value: 'LIST',
    about: 'class names in label order, comma-separated, or a file of them',
  }),
  like: option(text, { value: 'TRUTH', about: 'ground truth that the detections refer to' }),
  'class-property': option(text, {
    value: 'NAME',
    about: 'property of vector features, or attribute of VIA regions, with the class',
    otherwise: 'label, class, category, class_name, class_id, category_id, type_id or species; of VIA, the only one',
  }),
  'point-size': option(number({ above: 0 }), {
    value: 'PIXELS',
    about: 'side of the square box around a point',
    otherwise: 'points are left out and counted',
  }),
  layer: option(text, { value: 'NAME', about: 'layer of a GeoPackage', otherwise: 'the only one' }),
  overwrite: flag('replaces existing files, which are an error otherwise'),
} as const satisfies OptionTable;

/** A line about each format. */
const FORMATS: Readonly<Record<LabelFormat, string>> = {
  coco: 'COCO instances JSON, with crowds, areas and polygons',
  'coco-results': 'COCO results JSON, as pycocotools loads it; --like names the ground truth whose ids it uses',
  voc: 'a folder of Pascal VOC XML; pixels count from 1, both corners inclusive',
  yolo: 'a folder with data.yaml and labels/*.txt; centres and sizes as fractions of the image',
  csv: 'image,x1,y1,x2,y2,label[,score] with a header',
  'keras-retinanet': 'path,x1,y1,x2,y2,class without a header',
  deepforest: 'image_path,xmin,ymin,xmax,ymax,label[,score] with a header',
  'spacenet-csv': 'ImageId,BuildingId,PolygonWKT_Pix,... with a header',
  geojson: 'a FeatureCollection per georeferenced image; as input also one for all images',
  via: 'VGG Image Annotator 1 and 2: a project, or annotations as JSON or CSV',
  labelme: "LabelMe's JSON, a file per image",
  cvat: 'CVAT for images 1.1 (XML), with rotation',
  'label-studio': "Label Studio's export as JSON",
  dota: 'a folder of text with four corners, class and difficult in each line',
  openimages: 'boxes of Open Images; *class-descriptions*.csv beside it has the names of the classes',
  'deepforest-geometry': 'image_path,geometry,label[,score] with outlines or points as WKT in pixels',
  vector: 'a shapefile, GeoPackage, FlatGeobuf or KML layer over georeferenced images',
};

const formats = (isListed: (format: LabelFormat) => boolean): string =>
  rows(Object.entries(FORMATS).filter(([format]) => isListed(format as LabelFormat)));

const help: HelpText = {
  usage:
    'retinagrad convert INPUT OUTPUT --to FORMAT [--from FORMAT] [--images FOLDER] [--classes LIST] [--like TRUTH]\n' +
    '                   [--class-property NAME] [--point-size PIXELS] [--layer NAME]',
  about: `
Labels are ground truth or detections. INPUT is a label file, or a folder that contains labels. OUTPUT is a file, or a folder
for voc, yolo and geojson. If anything fails, nothing is written, except that geojson is written for all images that have a
georeference. Paths of images may start further out or further in than FOLDER, as those of retinagrad predict do.

Formats that are read and written:
${formats(isWritableFormat)}

Formats of other tools, which are only read:
${formats((format) => !isWritableFormat(format))}`,
  exit: {
    0: 'converted (losses are listed)',
    [EXIT.failed]: 'failed, or images without a georeference were left out of geojson (and are listed)',
  },
  examples: [
    ['npx retinagrad convert annotations.csv instances.json --to coco'],
    ['npx retinagrad convert VOC2012/Annotations yolo --to yolo --images VOC2012/JPEGImages'],
    ['npx retinagrad convert trees.geojson trees.json --to coco --point-size 40 --class-property genus'],
    ['npx retinagrad convert buildings.gpkg instances.json --to coco --images tiles --layer roofs'],
    ['npx retinagrad convert predictions.csv results.json --to coco-results --like instances.json'],
  ],
};

export const convert = defineCommand('convert', {
  help,
  output: 'what was written and what was lost',
  options: OPTIONS,
  run: runConvert,
});

async function runConvert({ options, positionals, terminal }: Call<typeof OPTIONS>): Promise<number> {
  const [input, output, ...more] = positionals;
  if (input === undefined || output === undefined || more.length > 0) {
    throw new UsageError(
      `convert takes an input and an output, got ${counted(positionals.length, 'argument', 'arguments')}`,
    );
  }
  const { to, from, images, classes, like, layer, overwrite } = options;
  const [classProperty, pointSize] = [options['class-property'], options['point-size']];
  if (to === undefined) throw new UsageError(`convert needs --to, one of ${writableFormats.join(', ')}`);
  const unwritten: { readonly file: string; readonly reason: string }[] = [];
  const result = await convertLabels(input, output, {
    to,
    overwrite,
    onUnwritable: (file, error) => unwritten.push({ file, reason: error.explain((name) => `--${name}`) }),
    ...defined({ from, images, classes, classProperty, pointSize, layer }),
    ...(like === undefined ? {} : { like: await readLabels(like) }),
  });
  const { unsupported, ...others } = result;
  terminal.result({ ...others, losses: unsupported, unwritten }); // Scripts know it by this name.
  terminal.print(
    `${input} (${result.from}): ${result.objects} objects of ${result.classes.length} classes in ${result.images} images`,
  );
  for (const note of result.notes) terminal.print(`note: ${note}`);
  for (const { message } of unsupported) terminal.print(`not kept: ${message}`);
  const [first] = result.files;
  terminal.print(`${result.files.length === 1 ? first : `${output}: ${result.files.length} files`} (${to})`);
  if (unwritten.length === 0) return EXIT.done;
  const what = counted(unwritten.length, 'image was', 'images were');
  terminal.warn([`${what} left out:`, ...unwritten.map(({ file, reason }) => `  ${file}: ${reason}`)].join('\n'));
  return EXIT.failed;
}
