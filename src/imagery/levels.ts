/** Raw levels of pixels, interleaved by band, in the type that the file has. */
export type Levels =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** Levels of a window of an image. */
export interface RawPixels {
  /** A level of each band that was read for each pixel, row by row. */
  readonly levels: Levels;
  /** For each pixel 1 if it has data and 0 if not (nodata value, mask, transparent); null if all have. */
  readonly valid: Uint8Array | null;
}

/** The type of a level. */
export interface LevelType {
  readonly bits: 8 | 16 | 32 | 64;
  readonly kind: 'unsigned' | 'signed' | 'float';
}

/** Whether levels are bytes, which need no stretch. */
export const isByte = ({ bits, kind }: LevelType): boolean => bits === 8 && kind === 'unsigned';

/** A level type as text, such as `16-bit` or `32-bit floating-point`. */
export const levelText = ({ bits, kind }: LevelType): string =>
  `${bits}-bit${{ unsigned: '', signed: ' signed', float: ' floating-point' }[kind]}`;

/** An array of zeros. Throws an Error for a type that does not exist. */
export function newLevels({ bits, kind }: LevelType, length: number): Levels {
  switch (`${kind}${bits}`) {
    case 'unsigned8':
      return new Uint8Array(length);
    case 'unsigned16':
      return new Uint16Array(length);
    case 'unsigned32':
      return new Uint32Array(length);
    case 'signed8':
      return new Int8Array(length);
    case 'signed16':
      return new Int16Array(length);
    case 'signed32':
      return new Int32Array(length);
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
  }
  throw new Error(`${levelText({ bits, kind })} levels are not supported`);
}

/** Reads one level from memory. */
export type LevelGetter = (view: DataView, at: number) => number;

/** The getter of a level type. */
export function levelGetter({ bits, kind }: LevelType, littleEndian: boolean): LevelGetter {
  switch (`${kind}${bits}`) {
    case 'unsigned8':
      return (view, at) => view.getUint8(at);
    case 'unsigned16':
      return (view, at) => view.getUint16(at, littleEndian);
    case 'unsigned32':
      return (view, at) => view.getUint32(at, littleEndian);
    case 'signed8':
      return (view, at) => view.getInt8(at);
    case 'signed16':
      return (view, at) => view.getInt16(at, littleEndian);
    case 'signed32':
      return (view, at) => view.getInt32(at, littleEndian);
    case 'float32':
      return (view, at) => view.getFloat32(at, littleEndian);
    default:
      return (view, at) => view.getFloat64(at, littleEndian);
  }
}
