import { sourceOf, type Bytes } from './byte-source.ts';
import { isZipStart, openPyTorch } from './pytorch.ts';
import { otherFormat, START_BYTES } from './other-formats.ts';
import { openSafetensors } from './safetensors.ts';
import { PREFIX } from './safetensors-header.ts';
import type { TensorFile } from './tensor-file.ts';

/** First byte of a pickle: the operation that names its protocol. */
const PROTO = 0x80;
/** First byte of the header of a safetensors file. */
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
  const start = await source.read(0, Math.min(START_BYTES, source.size));
  // The length of a safetensors header may have any first bytes, but then the header starts.
  if (start[PREFIX] === BRACE) return openSafetensors(source, name);
  if (isZipStart(start) || start[0] === PROTO) return openPyTorch(source, name);
  const other = otherFormat(start);
  if (other !== null) throw new Error(`${name}: ${other}`);
  return openSafetensors(source, name);
}
