import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openWeights } from '../../src/weights/open-weights.ts';
import { errorOf } from '../support/errors.ts';

/** Starts of files as their programs write them. */
const files: readonly (readonly [name: string, start: string, reason: RegExp])[] = [
  ['resnet50_coco_best_v2.1.0.h5', '\x89HDF\r\n\x1a\n\0\0\0', /HDF5 file, as Keras and keras-retinanet .*: start from/],
  ['model.onnx', '\x08\x07\x12\x07pytorch\x1a\x051.13.', /it is an ONNX model/],
  ['model.onnx', '\x08\x08:\xb4\x01\n', /it is an ONNX model/],
  ['saved_model.pb', '\x08\x01\x12\xf4\x8d\x02\n', /it is a SavedModel of TensorFlow/],
  ['model.tflite', '\x1c\0\0\0TFL3\x14\0 \0', /it is a model of TensorFlow Lite/],
  [
    'model.safetensors',
    'version https://git-lfs.github.com/spec/v1\noid sha256:4d',
    /pointer of Git LFS .*git lfs pull/,
  ],
  ['model.pth', '\n<!DOCTYPE html><html>', /it is a web page instead of the file: the download failed/],
  ['model.json', '{"format": "layers-model"}', /it is JSON; expected weights/],
];

test('files of other kinds are named, with what to do', async () => {
  for (const [name, start, reason] of files) {
    const { message } = await errorOf(() => openWeights(Buffer.from(start.padEnd(100, '\0'), 'latin1'), name));
    assert.match(message, reason);
    assert.ok(message.startsWith(`${name}: `), message);
  }
});

test('a safetensors file is read whatever the first bytes of its length', async () => {
  const header = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
  // As a pickle, and as an ONNX model whose version is 7 and whose producer has a name.
  for (const length of [0x80, 0x280, 0x120708]) {
    const bytes = Buffer.alloc(8 + length + 4, ' ');
    bytes.writeBigUInt64LE(BigInt(length));
    bytes.write(header, 8);
    bytes.writeFloatLE(3, 8 + length);
    const { tensors } = await openWeights(bytes);
    assert.equal([...(await tensors.get('a')!.read()).data], [3]);
  }
});

test.run();
