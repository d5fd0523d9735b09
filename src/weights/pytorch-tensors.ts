import { ndarray } from '../common/ndarray.ts';
import type { HostTensor } from '../nn/module.ts';
import { pack } from '../tensor/host.ts';
import { stridesOf, type Shape } from '../tensor/shape.ts';
import type { ByteSource } from './byte-source.ts';
import { bitsOf, toFloat32 } from './element-types.ts';
import { kindOf, PickleError, PickleGlobal, PickleObject, type PickleRules, type PickleValue } from './pickle.ts';
import type { StoredTensor } from './tensor-file.ts';

// What a pickle of PyTorch is made of: tensors, which are strided views of storages, and storages, whose values lie elsewhere in
// the file. Several tensors may share a storage, and a tensor may start anywhere in it.

/** Values of one type in a row. */
export class Storage extends PickleObject {
  readonly key: string;
  readonly dtype: string;
  /** Number of values. */
  readonly length: number;
  /** Position of its first byte in the file; undefined until the container has found it. */
  from: number | undefined;

  constructor(key: string, dtype: string, length: number) {
    super();
    this.key = key;
    this.dtype = dtype;
    this.length = length;
  }

  get bytesPerValue(): number {
    return bitsOf(this.dtype)! / 8;
  }
}

/** A strided view of a storage. */
export class TensorView extends PickleObject {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: Shape;
  readonly stride: Shape;

  constructor(storage: Storage, offset: number, shape: Shape, stride: Shape) {
    super();
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.stride = stride;
  }
}

/** Types of storages, by their names in `torch`. */
const storageTypes: Readonly<Record<string, string>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

/** Elements that a tensor may have beyond those of its storage, by strides of 0: more would make a small file a large tensor. */
const MAX_REPEATED = 1_000_000;

const isCount = (value: PickleValue | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isCounts = (value: PickleValue | undefined): value is number[] => Array.isArray(value) && value.every(isCount);

/** torch._utils._rebuild_tensor and _rebuild_tensor_v2: storage, offset, shape, stride, and what is not needed. */
function rebuildTensor([storage, offset, shape, stride]: readonly PickleValue[]): TensorView {
  if (!(storage instanceof Storage)) throw new PickleError(`a tensor has ${kindOf(storage)} as its storage`);
  if (!isCount(offset) || !isCounts(shape) || !isCounts(stride) || shape.length !== stride.length) {
    throw new PickleError('the offset, shape or strides of a tensor are not integers >= 0');
  }
  let size = 1;
  let last = offset;
  shape.forEach((extent, axis) => {
    size *= extent;
    last += (extent - 1) * stride[axis]!;
  });
  if (!Number.isSafeInteger(size) || size > Math.max(storage.length, MAX_REPEATED)) {
    throw new PickleError(`a tensor [${shape}] has more elements than its storage, which has ${storage.length}`);
  }
  if (size > 0 && !(last < storage.length)) {
    throw new PickleError(
      `a tensor [${shape}] reaches past the end of its storage, which has ${storage.length} values`,
    );
  }
  return new TensorView(storage, offset, shape, stride);
}

/** The first argument: parameters are tensors, torch.Size is a tuple. */
const first = ([value]: readonly PickleValue[]): PickleValue => value ?? null;

/** Makes a dictionary of nothing, or of pairs. */
function orderedDict([items = []]: readonly PickleValue[]): Map<PickleValue, PickleValue> {
  if (!Array.isArray(items) || !items.every((item) => Array.isArray(item) && item.length === 2)) {
    throw new PickleError(`a dictionary is made of ${kindOf(items)}, expected a list of pairs`);
  }
  return new Map(items as [PickleValue, PickleValue][]);
}

/** Names that files of weights mention. */
const globals: readonly PickleGlobal[] = [
  new PickleGlobal('collections.OrderedDict', orderedDict),
  new PickleGlobal('torch._utils._rebuild_tensor', rebuildTensor),
  new PickleGlobal('torch._utils._rebuild_tensor_v2', rebuildTensor),
  new PickleGlobal('torch._utils._rebuild_parameter', first),
  new PickleGlobal('torch.Size', first),
  ...Object.keys(storageTypes).map((type) => new PickleGlobal(`torch.${type}`)),
];

/** What the pickle of a file of PyTorch may use. */
export class TorchRules implements PickleRules {
  readonly globals = globals;
  /** Storages by their keys. */
  readonly storages = new Map<string, Storage>();

  /** The storage of `('storage', type, key, device, number of values)`, and in older files a view, which is None. */
  readonly persistent = (id: PickleValue): Storage => {
    const [kind, type, key, , length, view = null] = Array.isArray(id) ? id : [];
    const dtype = type instanceof PickleGlobal ? storageTypes[type.name.replace('torch.', '')] : undefined;
    if (kind !== 'storage' || dtype === undefined || typeof key !== 'string' || !isCount(length) || view !== null) {
      throw new PickleError('it refers to something else than a storage');
    }
    const known = this.storages.get(key);
    if (known === undefined) {
      const storage = new Storage(key, dtype, length);
      this.storages.set(key, storage);
      return storage;
    }
    if (known.dtype !== dtype || known.length !== length) throw new PickleError('a storage has two types or lengths');
    return known;
  };
}

/** The tensor of a view, which is read from the file on demand. */
export function storedTensor({ storage, offset, shape, stride }: TensorView, source: ByteSource): StoredTensor {
  const { dtype, bytesPerValue } = storage;
  const size = shape.reduce((product, extent) => product * extent, 1);
  const read = async (): Promise<HostTensor> => {
    if (size === 0) return { shape, data: new Float32Array(0) };
    const last = shape.reduce((sum, extent, axis) => sum + (extent - 1) * stride[axis]!, offset);
    const from = storage.from!;
    const bytes = await source.read(from + offset * bytesPerValue, from + (last + 1) * bytesPerValue);
    const values = toFloat32(dtype, bytes);
    // The stride of an axis of length 1 does not matter.
    const isPacked = stridesOf(shape).every((step, axis) => shape[axis] === 1 || step === stride[axis]);
    const data = isPacked ? values : pack(ndarray(values, shape, stride), new Float32Array(size));
    return { shape, data };
  };
  return { shape, dtype, read };
}
