// Makes the trained detector of the site: `npm run build && node site/make-model.mjs`, about five minutes of CPU without a GPU.
// Trains with the settings of `npm start` (examples/train-spacenet/synthetic.yaml), stores the filters as float16, and evaluates both
// files on 100 tiles that neither training nor the choice of weights has seen. Writes
// - pages/models/buildings.safetensors, which `Detector.fromBytes` reads;
// - data/model.json: the figures that the pages state.
// The run is in runs/site-model; a second call continues or reuses it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { init } from '../dist/node.js';
import { decodeSafetensors } from '../dist/index.js';
import {
  Detector,
  evaluate,
  openEvaluationData,
  readSettingsFile,
  resolveLayers,
  settingsSchema,
  syntheticToEvaluate,
  train,
} from '../dist/detector-node.js';

const SETTINGS = 'examples/train-spacenet/synthetic.yaml';
const RUN = 'runs/site-model';
const OUT = 'site/pages/models/buildings.safetensors';
/** The filters of a network; the few values of norms and biases stay float32. */
const isFilter = ({ shape }) => shape.length > 1;

/** The bits of the float16 number nearest to `value`, half to even; larger ones become infinite. */
function toFloat16(value) {
  const [bits] = new Uint32Array(Float32Array.of(value).buffer);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  // In units of the last place: 2^-24 for subnormal numbers, 2^-10 of the power of two for others.
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  const units = roundHalfToEven(magnitude / 2 ** (exponent - 10));
  // 1024 units are the leading one, which is not stored: adding them carries into the exponent as it should.
  const packed = exponent === -14 ? units : ((exponent + 14) << 10) + units;
  return sign | Math.min(packed, 0x7c00);
}

function roundHalfToEven(x) {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}

/** A safetensors file whose filters are float16. */
function encodeHalf(tensors, metadata) {
  const header = { __metadata__: metadata };
  const parts = [];
  let end = 0;
  for (const [name, tensor] of tensors) {
    const { shape, data } = tensor;
    const values = isFilter(tensor) ? Uint16Array.from(data, toFloat16) : data;
    header[name] = { dtype: isFilter(tensor) ? 'F16' : 'F32', shape, data_offsets: [end, (end += values.byteLength)] };
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  const text = JSON.stringify(header);
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8);
  const length = new Uint8Array(new BigUint64Array([BigInt(padded.length)]).buffer);
  return Buffer.concat([length, Buffer.from(padded), ...parts]);
}

/** Figures of a detector on tiles that nothing was chosen on. */
async function figuresOf(bytes, path) {
  const detector = Detector.fromBytes(bytes);
  const { judgement } = await evaluate(detector, await openEvaluationData(detector, path));
  const { precision, recall, f1 } = judgement.chosen;
  const { averagePrecision } = judgement.perClass[0];
  detector.dispose();
  return { f1, precision, recall, averagePrecision };
}

const device = await init();
const file = resolveLayers(settingsSchema, [
  { from: SETTINGS, values: readSettingsFile(readFileSync(SETTINGS, 'utf8'), SETTINGS) },
]);
const { folder, detector } = await train(file, {
  out: RUN,
  resume: true,
  onEvaluation: ({ epoch, f1 }) => console.log(`epoch ${epoch}: F1 ${f1.toFixed(3)}`),
});
const { tensors, metadata } = decodeSafetensors(readFileSync(folder.file('best')));
const { stretch } = detector.decoding;
detector.dispose();
const half = encodeHalf(tensors, metadata);

const path = await syntheticToEvaluate();
const float32 = await figuresOf(readFileSync(folder.file('best')), path);
const float16 = await figuresOf(half, path);
const difference = Math.abs(float16.f1 - float32.f1);
if (difference >= 0.01) throw new Error(`F1 changes by ${difference.toFixed(3)} with float16`);

const weights = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
const { epochs } = file.train;
const model = {
  ...float16,
  f1Float32: float32.f1,
  bytes: half.length,
  weights,
  tiles: file.data.chips,
  epochs,
  adapter: device.adapter.name,
  stretch,
};
mkdirSync('site/pages/models', { recursive: true });
mkdirSync('site/data', { recursive: true });
writeFileSync(OUT, half);
writeFileSync('site/data/model.json', `${JSON.stringify(model, null, 2)}\n`);
console.log(model);
