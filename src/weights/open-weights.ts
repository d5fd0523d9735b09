import type { HostTensor } from '../nn/module.ts';
import { sourceOf, type Bytes } from './byte-source.ts';
import { isZipStart, openPyTorch } from './pytorch.ts';
import { decodeSafetensors, openSafetensors, type SafetensorsFile } from './safetensors.ts';
import type { TensorFile } from './tensor-file.ts';

/** First byte of a pickle: the operation that names its protocol. */
const PROTO = 0x80;

const isPyTorch = (start: Uint8Array): boolean => isZipStart(start) || start[0] === PROTO;

/**
 * Opens a file of weights, safetensors or PyTorch's, which its first bytes tell apart. The values of a tensor are read when they
 * are asked for.
 *
 * @param bytes in memory, a Blob (in Node `fs.openAsBlob(path)`) or another source that is read in ranges
 * @param name name of the file, for errors
 * @throws Error with the reason for a file that is damaged or of another format
 */
export async function openWeights(bytes: Bytes, name = 'the weights'): Promise<TensorFile> {
  const source = sourceOf(bytes);
  const start = await source.read(0, Math.min(4, source.size));
  return isPyTorch(start) ? openPyTorch(source, name) : openSafetensors(source, name);
}

/**
 * Decodes a file of weights as a whole: like `openWeights`, but all values are read, and the checksum of a safetensors file is
 * verified.
 */
export async function decodeWeights(bytes: Uint8Array, name: string): Promise<SafetensorsFile> {
  if (!isPyTorch(bytes)) return decodeSafetensors(bytes, name);
  const { tensors, metadata } = await openPyTorch(bytes, name);
  const decoded = new Map<string, HostTensor>();
  for (const [key, tensor] of tensors) decoded.set(key, await tensor.read());
  return { tensors: decoded, metadata };
}
