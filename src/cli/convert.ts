import { convertLabels, labelFormats, readLabels } from '../data.ts';
import { choice, EXIT, text, UsageError, type Call, type Command } from './command.ts';

const help = `retinagrad convert: takes labels (true boxes or detections) from one format to another, and says what that one cannot hold.

Usage:
  retinagrad convert INPUT OUTPUT --to FORMAT [--from FORMAT] [--images FOLDER] [--classes LIST] [--like TRUTH]

INPUT is a label file, or a folder with labels in it; its format is recognised. OUTPUT is a file, or a folder for voc, yolo
and geojson. Formats:
  coco              instances JSON (crowds, areas, outlines)
  coco-results      JSON array of detections, as pycocotools loads; --like names the truth whose ids it uses
  voc               a folder of Pascal VOC XML (pixels count from 1, both ends included)
  yolo              a folder with data.yaml and labels/*.txt (centres and sizes as shares of the image)
  csv               image,x1,y1,x2,y2,label[,score] with a header
  keras-retinanet   path,x1,y1,x2,y2,class without a header
  deepforest        image_path,xmin,ymin,xmax,ymax,label[,score]
  spacenet-csv      ImageId,BuildingId,PolygonWKT_Pix,...
  geojson           a FeatureCollection for each georeferenced image

Options:
  --to FORMAT       format of the output
  --from FORMAT     format of the input (recognised by names and first lines)
  --images FOLDER   where the images are, if not around the labels; YOLO needs their sizes, GeoJSON their place
  --classes LIST    names in the order of the labels, parted by commas, or a file of them
  --like TRUTH      the truth that detections refer to
  --overwrite       replaces files that exist; otherwise they are an error
  --json            what was written and what was lost, as JSON

Nothing is written unless all of it can be. Exit status: 0 written (losses are listed), 1 failed, 2 wrong command line.

Examples:
  npx retinagrad convert annotations.csv instances.json --to coco
  npx retinagrad convert VOC2012/Annotations yolo --to yolo --images VOC2012/JPEGImages
  npx retinagrad convert predictions.csv results.json --to coco-results --like instances.json
`;

export const convert: Command = {
  help,
  options: {
    to: { type: 'string' },
    from: { type: 'string' },
    images: { type: 'string' },
    classes: { type: 'string' },
    like: { type: 'string' },
    overwrite: { type: 'boolean' },
  },
  run: runConvert,
};

async function runConvert({ values, positionals, terminal }: Call): Promise<number> {
  const [input, output, ...more] = positionals;
  if (input === undefined || output === undefined || more.length > 0) {
    throw new UsageError(`convert takes an input and an output, got ${positionals.length} arguments`);
  }
  const to = choice(values, 'to', labelFormats);
  if (to === undefined) throw new UsageError(`convert needs --to, one of ${labelFormats.join(', ')}`);
  const from = choice(values, 'from', labelFormats);
  const images = text(values, 'images');
  const classes = text(values, 'classes');
  const like = text(values, 'like');
  const result = await convertLabels(input, output, {
    to,
    overwrite: values['overwrite'] === true,
    ...(from === undefined ? {} : { from }),
    ...(images === undefined ? {} : { images }),
    ...(classes === undefined ? {} : { classes: classList(classes) }),
    ...(like === undefined ? {} : { like: await readLabels(like) }),
  });
  terminal.result(result);
  terminal.print(
    `${input} (${result.from}): ${result.objects} objects of ${result.classes.length} classes in ${result.images} images`,
  );
  for (const note of result.notes) terminal.print(`not read: ${note}`);
  for (const { message } of result.unsupported) terminal.print(`not kept: ${message}`);
  const [first] = result.files;
  terminal.print(`${result.files.length === 1 ? first : `${output}: ${result.files.length} files`} (${to})`);
  return EXIT.done;
}

/** Names parted by commas, or the path of a file of them. */
const classList = (given: string): string | string[] =>
  /\.(txt|csv|names)$/i.test(given) ? given : given.split(',').map((name) => name.trim());
