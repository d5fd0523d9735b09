import { reasonOf } from '../common/check.ts';
import { sourceOf, type ByteSource, type Bytes } from './byte-source.ts';
import { kindOf, PickleError, readPickle, type PickleRules, type PickleValue } from './pickle.ts';
import { storedTensor, TensorView, TorchRules } from './pytorch-tensors.ts';
import { nameProblem, type StoredTensor, type TensorFile } from './tensor-file.ts';
import { readZip } from './zip.ts';

// Files of `torch.save`. Since PyTorch 1.6 they are ZIP files: NAME/data.pkl is a pickle of the object, and NAME/data/KEY the
// values of a storage. Before, a file was a series of pickles (magic number, version, system, object, keys of the storages) and
// then, for each storage, its length and values.

/** Maximum size of a pickle. That of a state dict takes about 200 bytes for each tensor. */
const MAX_PICKLE = 64 * 2 ** 20;
/** First part of an older file that is read; enough for about 5000 tensors. */
const FIRST_READ = 2 ** 20;

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;

/** Keys under which training programs keep the state dict among other things. */
const STATE_KEYS = ['state_dict', 'model_state_dict', 'model', 'network', 'net'];

/**
 * Opens a file of `torch.save`, `.pth`, `.pt` or `.ckpt`: reads its pickle, of which nothing is ever run. The values of a tensor
 * are read when they are asked for. The tensors are those of the state dict, also if the file keeps it with other things under
 * a usual key, for example `state_dict` or `model`.
 *
 * @param name name of the file, for errors
 * @throws Error with the reason for a file that is damaged, that uses names beyond those of weights, or has no state dict
 */
export async function openPyTorch(bytes: Bytes, name = 'the weights'): Promise<TensorFile> {
  const source = sourceOf(bytes);
  try {
    const isZip = source.size >= 4 && isZipStart(await source.read(0, 4));
    const { value } = isZip ? await readArchive(source) : await readLegacy(source);
    return { format: 'PyTorch', tensors: stateOf(value, source), metadata: {} };
  } catch (cause) {
    throw new Error(`${name}: not a PyTorch file of weights: ${reasonOf(cause)}${remedyOf(cause)}`, { cause });
  }
}

/** What to do about a file that is refused. */
function remedyOf(cause: unknown): string {
  if (!(cause instanceof PickleError) || cause.isTruncated) return '';
  return cause.refused?.startsWith('numpy.') === true
    ? "; it holds NumPy arrays, as Detectron2's model zoo does: convert it in Python, with torch.save({name: torch.as_tensor(array) " +
        "for name, array in pickle.load(open(FILE, 'rb'))['model'].items()}, 'weights.pth')"
    : '; save its state dict only, with torch.save(model.state_dict(), path) or as safetensors';
}

/** Whether a file starts as a ZIP file does. */
export function isZipStart(start: Uint8Array): boolean {
  return start[0] === 0x50 && start[1] === 0x4b && start[2] === 3 && start[3] === 4;
}

/** The object of a ZIP file; its storages know their positions. */
async function readArchive(source: ByteSource): Promise<{ value: PickleValue }> {
  const entries = await readZip(source);
  const roots = [...entries.keys()].filter((entry) => /^[^/]+\/data\.pkl$/.test(entry));
  if (roots.length !== 1) throw new Error(`it has ${roots.length} entries NAME/data.pkl, expected 1`);
  const root = roots[0]!.slice(0, -'data.pkl'.length);
  if (entries.has(`${root}constants.pkl`)) throw new Error('it is a TorchScript program, not weights');
  const order = entries.get(`${root}byteorder`);
  if (order !== undefined) {
    if (order.to - order.from > 10) throw new Error('its byte order is damaged');
    const text = new TextDecoder().decode(await source.read(order.from, order.to)).trim();
    if (text !== 'little') throw new Error(`its byte order is ${JSON.stringify(text)}, expected little`);
  }
  const pickle = entries.get(roots[0]!)!;
  if (pickle.to - pickle.from > MAX_PICKLE) {
    throw new Error(`its pickle has ${pickle.to - pickle.from} bytes, the maximum is ${MAX_PICKLE}`);
  }
  const rules = new TorchRules();
  const { value } = readPickle(await source.read(pickle.from, pickle.to), rules);
  for (const { key, dtype, length, bytesPerValue } of rules.storages.values()) {
    const entry = entries.get(`${root}data/${key}`);
    if (entry === undefined) throw new Error(`it has no entry for storage ${JSON.stringify(key)}`);
    if (entry.to - entry.from !== length * bytesPerValue) {
      throw new Error(`storage ${key} has ${entry.to - entry.from} bytes, expected ${length} values of ${dtype}`);
    }
    rules.storages.get(key)!.from = entry.from;
  }
  return { value };
}

/** The object of an older file. */
async function readLegacy(source: ByteSource): Promise<{ value: PickleValue }> {
  const rules = new TorchRules();
  const reader = new PickleSeries(source);
  if ((await reader.next(rules)) !== MAGIC) {
    throw new Error('it is a pickle of something else, for example of NumPy arrays, as the .pkl files of Detectron2');
  }
  const version = await reader.next(rules);
  if (version !== VERSION)
    throw new Error(`its version is ${typeof version === 'number' ? version : kindOf(version)}, expected ${VERSION}`);
  const system = await reader.next(rules);
  if (!(system instanceof Map) || system.get('little_endian') !== true) throw new Error('its byte order is not little');
  const value = await reader.next(rules);
  const keys = await reader.next(rules);
  if (!Array.isArray(keys) || keys.length !== rules.storages.size) throw new Error('its list of storages is damaged');
  let at = reader.at;
  for (const key of keys) {
    const storage = typeof key === 'string' ? rules.storages.get(key) : undefined;
    if (storage === undefined || storage.from !== undefined) throw new Error('its list of storages is damaged');
    if (at + 8 > source.size) throw new Error('it is truncated');
    const { buffer, byteOffset } = await source.read(at, at + 8);
    const length = new DataView(buffer, byteOffset, 8).getBigUint64(0, true);
    if (length !== BigInt(storage.length)) throw new Error(`storage ${storage.key} has two lengths`);
    storage.from = at + 8;
    at = storage.from + storage.length * storage.bytesPerValue;
    if (at > source.size) throw new Error('it is truncated');
  }
  if (at !== source.size) throw new Error(`${source.size - at} bytes follow its last value`);
  return { value };
}

/** Pickles in a row, at the start of a source. */
class PickleSeries {
  readonly #source: ByteSource;
  #head: Uint8Array = new Uint8Array(0);
  /** Position after the last pickle. */
  at = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async next(rules: PickleRules): Promise<PickleValue> {
    for (;;) {
      try {
        const { value, length } = readPickle(this.#head.subarray(this.at), rules);
        this.at += length;
        return value;
      } catch (error) {
        const before = this.#head.length;
        const isLonger = error instanceof PickleError && error.isTruncated && before < this.#source.size;
        if (!isLonger || before >= MAX_PICKLE) throw error;
        // The length of a pickle is known only at its end.
        const size = Math.min(Math.max(before * 8, FIRST_READ), MAX_PICKLE, this.#source.size);
        this.#head = await this.#source.read(0, size);
      }
    }
  }
}

/** The tensors of the state dict in an object. */
function stateOf(value: PickleValue, source: ByteSource): Map<string, StoredTensor> {
  if (!(value instanceof Map)) throw new Error(`it holds ${kindOf(value)}, expected a state dict`);
  const inner = STATE_KEYS.map((key) => value.get(key)).find((state) => state instanceof Map && hasTensors(state));
  const state = inner instanceof Map ? inner : value;
  if (!hasTensors(state)) {
    const keys = [...value.keys()].slice(0, 8).filter((key) => typeof key === 'string' && nameProblem(key) === null);
    throw new Error(`it has no state dict, only ${keys.map(String).join(', ') || 'nothing'}`);
  }
  const tensors = new Map<string, StoredTensor>();
  for (const [key, view] of state) {
    if (!(view instanceof TensorView)) continue;
    const problem = typeof key === 'string' ? nameProblem(key) : `a tensor is called ${kindOf(key)}`;
    if (problem !== null) throw new Error(problem);
    tensors.set(key as string, storedTensor(view, source));
  }
  return tensors;
}

const hasTensors = (state: Map<PickleValue, PickleValue>): boolean =>
  [...state.values()].some((value) => value instanceof TensorView);
