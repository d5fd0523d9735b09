import { PbfWriter } from 'pbf';

// The part of ONNX's protobuf schema (onnx.proto) that a detector needs. Field numbers of a published schema never change.

/** Values on the host; 64-bit integers are the type of indices and shapes in ONNX. */
export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** The value of an attribute: an integer, a real number (`{ float }`), text, or integers. */
export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

export interface OnnxNode {
  readonly type: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** An input or output of the graph. A text in the shape names an extent that is known only at run time. */
export interface OnnxValue {
  readonly name: string;
  readonly type: 'float32' | 'int64';
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly irVersion: number;
  readonly opset: number;
  readonly producer: { readonly name: string; readonly version?: string };
  readonly name: string;
  readonly description: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** TensorProto.DataType. */
const DTYPES = { float32: 1, int64: 7 } as const;

/** Encodes a model as the bytes of an .onnx file. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, model.irVersion);
  pbf.writeStringField(2, model.producer.name);
  if (model.producer.version !== undefined) pbf.writeStringField(3, model.producer.version);
  pbf.writeStringField(6, model.description);
  pbf.writeMessage(7, writeGraph, model);
  pbf.writeMessage(8, (version, out) => out.writeVarintField(2, version), model.opset);
  for (const entry of Object.entries(model.metadata)) {
    pbf.writeMessage(14, ([key, value], out) => (out.writeStringField(1, key), out.writeStringField(2, value)), entry);
  }
  return pbf.finish();
}

function writeGraph({ name, nodes, initializers, inputs, outputs }: OnnxModel, pbf: PbfWriter): void {
  for (const node of nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, name);
  for (const tensor of initializers) pbf.writeMessage(5, writeTensor, tensor);
  for (const input of inputs) pbf.writeMessage(11, writeValue, input);
  for (const output of outputs) pbf.writeMessage(12, writeValue, output);
}

function writeNode({ type, name, inputs, outputs, attributes }: OnnxNode, pbf: PbfWriter): void {
  for (const input of inputs) pbf.writeStringField(1, input);
  for (const output of outputs) pbf.writeStringField(2, output);
  pbf.writeStringField(3, name);
  pbf.writeStringField(4, type);
  for (const attribute of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, attribute);
}

/** The last field is AttributeProto.AttributeType. */
function writeAttribute([name, value]: [string, OnnxAttribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  if (typeof value === 'number') {
    pbf.writeVarintField(3, value);
    pbf.writeVarintField(20, 2);
  } else if (typeof value === 'string') {
    pbf.writeStringField(4, value);
    pbf.writeVarintField(20, 3);
  } else if ('float' in value) {
    pbf.writeFloatField(2, value.float);
    pbf.writeVarintField(20, 1);
  } else {
    for (const item of value) pbf.writeVarintField(8, item);
    pbf.writeVarintField(20, 7);
  }
}

function writeTensor({ name, shape, data }: OnnxTensor, pbf: PbfWriter): void {
  for (const extent of shape) pbf.writeVarintField(1, extent);
  pbf.writeVarintField(2, data instanceof Float32Array ? DTYPES.float32 : DTYPES.int64);
  pbf.writeStringField(8, name);
  pbf.writeBytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeValue({ name, type, shape }: OnnxValue, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  // ValueInfoProto.type, TypeProto.tensor_type, TensorShapeProto.
  pbf.writeMessage(
    2,
    (_, typeOut) => {
      typeOut.writeMessage(
        1,
        (_, tensorOut) => {
          tensorOut.writeVarintField(1, DTYPES[type]);
          tensorOut.writeMessage(2, writeShape, shape);
        },
        null,
      );
    },
    null,
  );
}

function writeShape(shape: OnnxValue['shape'], pbf: PbfWriter): void {
  for (const extent of shape) {
    pbf.writeMessage(
      1,
      (value, out) => {
        if (typeof value === 'number') out.writeVarintField(1, value);
        else out.writeStringField(2, value);
      },
      extent,
    );
  }
}
