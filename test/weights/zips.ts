// Writes ZIP files with stored entries, with all that a hostile file can claim.

/** What an entry or the end claims instead of the truth. */
export interface ZipClaims {
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly stored?: number;
  readonly position?: number;
  readonly count?: number;
  readonly disk?: number;
  readonly comment?: string;
  /** Whether sizes and positions are in Zip64 fields. */
  readonly zip64?: boolean;
  /** Entries under the name of the first. */
  readonly sameName?: boolean;
}

export function zipOf(files: Readonly<Record<string, Uint8Array>>, claims: ZipClaims = {}): Uint8Array {
  const { method = 0, flags = 0x808, zip64 = false } = claims;
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const add = (bytes: Uint8Array): void => {
    parts.push(bytes);
    at += bytes.length;
  };
  for (const [key, content] of Object.entries(files)) {
    const name = Buffer.from(claims.sameName === true ? Object.keys(files)[0]! : key);
    const position = claims.position ?? at;
    // As PyTorch does: no sizes in the local header, and an extra field that aligns the content.
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    local.writeUInt16LE(6, 28);
    add(local);
    add(name);
    add(Buffer.from('FB\x02\x00ZZ', 'latin1'));
    add(content);
    const [size, stored] = [claims.size ?? content.length, claims.stored ?? content.length];
    const extra = zip64 ? longs(1, size, stored, position) : new Uint8Array(0);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(zip64 ? 0xffffffff : stored, 20);
    entry.writeUInt32LE(zip64 ? 0xffffffff : size, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt16LE(extra.length, 30);
    entry.writeUInt32LE(zip64 ? 0xffffffff : position, 42);
    directory.push(entry, name, extra);
  }
  const table = Buffer.concat(directory);
  const from = at;
  add(table);
  const count = claims.count ?? Object.keys(files).length;
  if (zip64) {
    const end64 = Buffer.alloc(56);
    end64.writeUInt32LE(0x06064b50, 0);
    end64.writeBigUInt64LE(44n, 4);
    for (const [offset, value] of [
      [24, count],
      [32, count],
      [40, table.length],
      [48, from],
    ] as const)
      end64.writeBigUInt64LE(BigInt(value), offset);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(BigInt(at), 8);
    add(end64);
    add(locator);
  }
  const comment = Buffer.from(claims.comment ?? '');
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(claims.disk ?? 0, 4);
  end.writeUInt16LE(zip64 ? 0xffff : count, 8);
  end.writeUInt16LE(zip64 ? 0xffff : count, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : table.length, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : from, 16);
  end.writeUInt16LE(comment.length, 20);
  add(end);
  add(comment);
  return Buffer.concat(parts);
}

/** An extra field of integers of eight bytes. */
function longs(id: number, ...values: number[]): Uint8Array {
  const field = Buffer.alloc(4 + values.length * 8);
  field.writeUInt16LE(id, 0);
  field.writeUInt16LE(values.length * 8, 2);
  values.forEach((value, i) => field.writeBigUInt64LE(BigInt(value), 4 + i * 8));
  return field;
}
