import { exifOrientation, type ImageHeader } from './orientation.ts';
import { TruncatedError } from './truncated.ts';

/** Whether bytes start with the signature of a JPEG file. */
export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

const NO_FRAME = 'truncated: the file ends before its frame header';

/** The header of a JPEG image. */
export interface JpegHeader extends ImageHeader {
  /** Number of colour components: 1 for grey, 3 for colours, 4 for CMYK. */
  readonly components: number;
}

/** Reads size and orientation without decoding. Throws for damaged files and for kinds that are not supported. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  if (!isJpeg(bytes)) throw new Error('not a JPEG file (wrong signature)');
  let orientation = 1;
  for (const { marker, body } of jpegSegments(bytes)) {
    if (marker === 0xe1) orientation = exifOrientation(body) ?? orientation;
    if (isFrameHeader(marker)) {
      return { ...frameSize(marker, body), orientation };
    }
    if (marker === 0xda || marker === 0xd9) throw new Error('damaged: the pixels precede the frame header');
  }
  throw new TruncatedError(NO_FRAME);
}

/** A segment that precedes the pixels; `start` is the place of its marker. */
interface JpegSegment {
  readonly marker: number;
  readonly start: number;
  readonly body: Uint8Array;
}

/** The segments up to the start of the first scan or the end of the image, which is the last one (ITU-T T.81, section B.1). */
export function* jpegSegments(bytes: Uint8Array): Generator<JpegSegment> {
  for (let at = 2; ;) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++; // fill bytes
    const marker = bytes[at + 1];
    if (marker === undefined) throw new TruncatedError(NO_FRAME);
    if (bytes[at] !== 0xff) throw new Error(`damaged: no marker at byte ${at}`);
    if (marker === 0xda || marker === 0xd9) {
      yield { marker, start: at, body: bytes.subarray(0, 0) };
      return;
    }
    if (at + 4 > bytes.length) throw new TruncatedError(NO_FRAME);
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (length < 2) throw new Error(`damaged: no marker at byte ${at}`);
    const body = bytes.subarray(at + 4, at + 2 + length);
    if (body.length !== length - 2) throw new TruncatedError(NO_FRAME);
    yield { marker, start: at, body };
    at += 2 + length;
  }
}

/** A progressive image is coded in at most about a dozen scans; each takes as long as its pixels, however few bytes it has. */
const MAX_SCANS = 64;

/**
 * Throws an Error for a JPEG image with a second frame header, whose size nothing has checked, or with more scans than any
 * writer makes. Returns the number of bytes from the first scan to the end of the image, which code the pixels.
 */
export function checkJpegScans(bytes: Uint8Array): number {
  let [frames, scans, start] = [0, 0, bytes.length];
  for (let at = bytes.indexOf(0xff, 2); at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(0xff, at)) {
    const marker = bytes[at + 1]!;
    if (marker === 0xd9) return Math.max(0, at - start);
    if (isFrameHeader(marker) && ++frames > 1) throw new Error('damaged: a second frame header');
    if (marker === 0xda) {
      start = Math.min(start, at);
      if (++scans > MAX_SCANS) throw new Error(`damaged: more than ${MAX_SCANS} scans`);
    }
    // Within pixels: an escaped byte, a restart marker, or fill bytes.
    const isAlone = marker === 0 || (marker >= 0xd0 && marker <= 0xd8);
    const length = isAlone ? 0 : ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    at += marker === 0xff ? 1 : 2 + length;
  }
  return bytes.length - start;
}

/** SOF0 to SOF15, except DHT (c4), JPG (c8) and DAC (cc), which share the range. */
const isFrameHeader = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** Size and components in a frame header (ITU-T T.81, section B.2.2). */
function frameSize(marker: number, body: Uint8Array): { width: number; height: number; components: number } {
  if (marker > 0xc2) throw new Error(`frame type ${marker - 0xc0} is not supported, only baseline and progressive`);
  if (body.length < 6) throw new Error('damaged: short frame header');
  const precision = body[0]!;
  if (precision !== 8) throw new Error(`${precision} bits per sample are not supported, only 8`);
  const [height, width] = [(body[1]! << 8) | body[2]!, (body[3]! << 8) | body[4]!];
  if (width === 0 || height === 0) throw new Error(`damaged: size ${width} x ${height}`);
  return { width, height, components: body[5]! };
}
