// A program of somebody who uses the package: one value of everything, with numbers that a wrong bundle would change.
import { Linear, SGD, backward, init, manualSeed, matmul, mean, square, sub, tensor, tidy } from 'retinagrad';
import {
  augment,
  augmentedSource,
  batches,
  generateChip,
  labelFormats,
  parseCoco,
  parseLabelCsv,
  parseVoc,
  parseYolo,
  parseYoloData,
  Random,
  rgbImage,
  tableOf,
  tileDataset,
  writeVoc,
} from 'retinagrad/data';
import { judge, judgementText, loadPolygonGeometry } from 'retinagrad/evaluation';
import { barChart, detectionPicture, lossChart } from 'retinagrad/report';

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Trains one layer; values of the GPU are rounded to what adapters agree on. */
async function train() {
  await init();
  manualSeed(1);
  const x = tensor([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const y = tensor([[3], [7], [11]]);
  const layer = new Linear(2, 1);
  const sgd = new SGD(layer.parameters(), { lr: 0.02 });
  const losses = [];
  for (let step = 0; step < 40; step++) {
    const loss = tidy(() => {
      const loss = mean(square(sub(layer.forward(x), y)));
      backward(loss);
      sgd.step();
      sgd.zeroGrad();
      return loss;
    });
    losses.push(await loss.item());
  }
  const product = await matmul(x, tensor([[1], [10]])).ndarray();
  return { product: product.get(2, 0), shape: product.shape, learned: losses.at(-1) < losses[0] / 10 };
}

/** A data set of two synthetic images in memory. */
function makeDataset() {
  const samples = [0, 1].map((index) => {
    const { levels, footprints } = generateChip(7, index, { size: 64 });
    const image = rgbImage(
      64,
      64,
      Uint8Array.from(levels, (level) => level >> 3),
    );
    const boxes = footprints.flatMap((ring) => {
      const [xs, ys] = [0, 1].map((axis) => ring.map((point) => point[axis]));
      return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    });
    return { id: `chip-${index}`, image, boxes: Float32Array.from(boxes), labels: new Int32Array(footprints.length) };
  });
  return { classes: ['building'], ids: samples.map(({ id }) => id), get: async (index) => samples[index] };
}

async function readData() {
  const dataset = makeDataset();
  const sample = await dataset.get(0);
  const changed = await augment(sample, { flipX: true, turn: true, brightness: [0.8, 1.2] }, new Random(3));
  const tiles = await tileDataset(dataset, { size: 32 });
  const { read } = augmentedSource(dataset, { augment: { flipX: true } });
  const sizes = [];
  for await (const { samples } of batches(tiles, [0, 1, 2], { batchSize: 2, seed: 1 })) sizes.push(samples.length);
  const picture = detectionPicture(sample.image, sample, { ...sample, scores: new Float32Array(sample.labels.length) });
  return {
    pixels: sum([...changed.image.data]),
    boxes: [...changed.boxes].map((edge) => Math.round(edge * 1000)),
    tiles: tiles.ids.length,
    sizes,
    again: sum([...(await read(1, 2, 3)).image.data]),
    picture: picture.shape,
  };
}

function readLabels() {
  const coco = parseCoco(
    JSON.stringify({
      images: [{ id: 1, file_name: 'a.png', width: 60, height: 40 }],
      categories: [{ id: 1, name: 'roof' }],
      annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [10, 12.5, 30, 7.5] }],
    }),
    { name: 'a.json' },
  );
  const xml = writeVoc(coco.images[0], coco.classes);
  const voc = parseVoc([{ path: 'a.xml', text: xml }], { name: 'Annotations' });
  const csv = parseLabelCsv('image,x1,y1,x2,y2,label\na.png,10,12.5,40,20,roof\n', { name: 'a.csv' });
  const { names } = parseYoloData('names: [roof]\n', 'data.yaml');
  const yolo = parseYolo('0 0.5 0.5 0.5 0.5\n', { name: 'a.txt', classes: names.length, width: 60, height: 40 });
  return {
    formats: labelFormats.length,
    boxes: [coco, voc, csv].map(({ images }) => images[0].objects[0].box),
    yolo: yolo[0].box,
  };
}

async function evaluate() {
  const table = (objects) => ({ classes: ['roof'], images: [{ file: 'a.png', width: 60, height: 40, objects }] });
  const truth = [
    [0, 0, 10, 10],
    [20, 20, 30, 30],
  ].map((box) => ({ label: 0, box }));
  const found = [
    [0, 0, 10, 9],
    [40, 20, 50, 30],
  ].map((box, i) => ({ label: 0, box, score: 0.9 - i / 10 }));
  const polygonGeometry = await loadPolygonGeometry();
  const judgement = judge(table(truth), table(found), { polygonGeometry });
  return { f1: judgement.best.f1, text: judgementText(judgement), tables: typeof tableOf };
}

function draw() {
  const steps = [1, 2, 3].map((step) => ({ step, loss: 1 / step, learningRate: 0.1 }));
  return {
    loss: lossChart(steps),
    bars: barChart({ title: 'sizes', xLabel: 'x', yLabel: 'y', edges: [0, 1], series: [{ name: 'n', values: [1] }] }),
  };
}

export const program = async () => ({
  tensors: await train(),
  data: await readData(),
  labels: readLabels(),
  evaluation: await evaluate(),
  report: draw(),
});
