import { sourceOf, type Bytes } from './byte-source.ts';
import { isZipStart, openPyTorch } from './pytorch.ts';
import { openSafetensors } from './safetensors.ts';
import type { TensorFile } from './tensor-file.ts';

/** First byte of a pickle: the operation that names its protocol. */
const PROTO = 0x80;
/** Ninth byte of safetensors: its header is JSON. The first eight are the length of the header, which may start like a pickle. */
const BRACE = 0x7b;

/**
 * Opens a file of weights, safetensors or PyTorch's, which its first bytes tell apart. The values of a tensor are read when they
 * are asked for. The checksum of a safetensors file that has one is verified first, which reads the whole file once.
 *
 * @param bytes in memory, a Blob (in Node `fs.openAsBlob(path)`) or another source that is read in ranges
 * @param name name of the file, for errors
 * @throws Error with the reason for a file that is damaged or of another format
 */
export async function openWeights(bytes: Bytes, name = 'the weights'): Promise<TensorFile> {
  const source = sourceOf(bytes);
  const start = await source.read(0, Math.min(9, source.size));
  if (isZipStart(start) || (start[0] === PROTO && start[8] !== BRACE)) return openPyTorch(source, name);
  if (start[0] === 0x89 && start[1] === 0x48) {
    throw new Error(`${name}: it is an HDF5 file, as Keras writes; expected safetensors, or a .pth file of PyTorch`);
  }
  return openSafetensors(source, name);
}
