import { tensorBytes } from "#libs/tensors";
import { SumsError } from "./errors.ts";
import type { OpenFiles } from "./files.ts";
import type { SumsFile } from "./format.ts";
import type { SumTensor } from "./layout.ts";
import type { BlockSources } from "./read-block.ts";

const PIECE_BYTES = 1 << 20;

/** Copies a tensor that has to agree, from the sums or else the first member, and compares every member with it. @throws SumsError (disagree) */
export function keepAgreeing(
  files: OpenFiles,
  { layout, from, members }: BlockSources,
  tensor: number,
  write: (offset: number, bytes: Uint8Array) => void,
): void {
  const { name, dtype, shape } = layout[tensor]!;
  const bytes = tensorBytes(dtype, shape);
  const first = from ? { path: from.path, offset: from.offsets[tensor]! } : members[0]!.places[tensor]!;
  for (let begin = 0; begin < bytes; begin += PIECE_BYTES) {
    const kept = new Uint8Array(Math.min(PIECE_BYTES, bytes - begin));
    files.read(first.path, first.offset + begin, kept);
    const other = new Uint8Array(kept.length);
    members.forEach(({ name: model, places }, member) => {
      const { path, offset } = places[tensor]!;
      files.read(path, offset + begin, other);
      if (Buffer.compare(kept, other) !== 0) {
        const why = `${dtype} values have to agree in all members, and those of ${model} differ`;
        throw new SumsError("disagree", `tensor ${JSON.stringify(name)}: ${why}`, { tensor: name, member });
      }
    });
    write(begin, kept);
  }
}

/** The numbers of every member of a counter, sorted: those in the sums with what came and without what went. @throws SumsError (member) */
export function keepCounters(
  files: OpenFiles,
  { layout, members }: BlockSources,
  sums: SumsFile | undefined,
  tensor: number,
): Uint8Array[] {
  const { name, dtype, shape } = layout[tensor]!;
  const size = tensorBytes(dtype, shape);
  const rows: Uint8Array[] = [];
  for (let row = 0; row < (sums?.count ?? 0); row++) {
    const bytes = new Uint8Array(size);
    files.read(sums!.path, sums!.offsets[tensor]! + row * size, bytes);
    rows.push(bytes);
  }
  members.forEach(({ name: model, places, remove }, member) => {
    const { path, offset } = places[tensor]!;
    const bytes = new Uint8Array(size);
    files.read(path, offset, bytes);
    if (!remove) {
      rows.push(bytes);
      return;
    }
    const index = rows.findIndex((row) => Buffer.compare(row, bytes) === 0);
    if (index < 0) {
      const why = `tensor ${JSON.stringify(name)} of ${model} is not that of any member`;
      throw new SumsError("member", `${why}: it is not the model that was added`, { tensor: name, member });
    }
    rows.splice(index, 1);
  });
  return rows.sort(Buffer.compare);
}

/** The largest number at each place. */
export function largestOf({ dtype }: SumTensor, rows: readonly Uint8Array[]): Uint8Array {
  const { bytes, read } = INTEGERS[dtype as keyof typeof INTEGERS];
  const largest = new Uint8Array(rows[0]!);
  const views = rows.map((row) => new DataView(row.buffer, row.byteOffset, row.byteLength));
  for (let at = 0; at < largest.length; at += bytes) {
    const best = views.reduce((a, b) => (read(b, at) > read(a, at) ? b : a));
    for (let i = at; i < at + bytes; i++) largest[i] = best.getUint8(i);
  }
  return largest;
}

const INTEGERS = {
  U8: { bytes: 1, read: (view: DataView, at: number) => view.getUint8(at) },
  I8: { bytes: 1, read: (view: DataView, at: number) => view.getInt8(at) },
  U16: { bytes: 2, read: (view: DataView, at: number) => view.getUint16(at, true) },
  I16: { bytes: 2, read: (view: DataView, at: number) => view.getInt16(at, true) },
  U32: { bytes: 4, read: (view: DataView, at: number) => view.getUint32(at, true) },
  I32: { bytes: 4, read: (view: DataView, at: number) => view.getInt32(at, true) },
  U64: { bytes: 8, read: (view: DataView, at: number) => view.getBigUint64(at, true) },
  I64: { bytes: 8, read: (view: DataView, at: number) => view.getBigInt64(at, true) },
};
