import { crc32 } from "node:zlib";
import { global, int, type Part, p, tuple } from "./pickles.ts";

type Floats = { readonly shape: readonly number[]; readonly data: Float32Array };

/** The file that torch.save writes of a state dict since PyTorch 1.6: a zip archive with a pickle and a file for each storage. */
export function torchSave(tensors: ReadonlyMap<string, Floats>): Uint8Array {
  const named = [...tensors];
  const items = named.map(([name, tensor], i) => [unicode(name), rebuilt(tensor, String(i))]);
  const pickle = p(0x80, 2, EMPTY, "(", ...items, "u.");
  const storages = named.map(([, { data }], i) => [`data/${i}`, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)] as const);
  return archive([["data.pkl", pickle], ["byteorder", p("little")], ...storages, ["version", p("3\n")]]);
}

/** BINUNICODE */
const unicode = (value: string): Part => ["X", uint32(Buffer.byteLength(value)), Buffer.from(value)];
/** An OrderedDict of nothing. */
const EMPTY: Part = [global("collections", "OrderedDict"), ")R"];

function rebuilt({ shape, data }: Floats, key: string): Part {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1));
  const place = tuple(unicode("storage"), global("torch", "FloatStorage"), unicode(key), unicode("cpu"), int(data.length));
  const args = tuple([place, "Q"], int(0), tuple(...shape.map(int)), tuple(...strides.map(int)), 0x89, EMPTY);
  return [global("torch._utils", "_rebuild_tensor_v2"), args, "R"];
}

/** Files one after another, not compressed, below one folder (APPNOTE.TXT 4.3). */
function archive(files: readonly (readonly [name: string, content: Uint8Array])[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [file, content] of files) {
    const name = Buffer.from(`model/${file}`);
    const facts = p(uint16(20), uint16(0), uint16(0), uint32(0), uint32(crc32(content)), uint32(content.length), uint32(content.length));
    const local = p("PK\x03\x04", facts, uint16(name.length), uint16(0), name, content);
    directory.push(p("PK\x01\x02", uint16(20), facts, uint16(name.length), new Uint8Array(12), uint32(offset), name));
    parts.push(local);
    offset += local.length;
  }
  const entries = p(...directory);
  const end = p("PK\x05\x06", uint32(0), uint16(files.length), uint16(files.length), uint32(entries.length), uint32(offset), uint16(0));
  return p(...parts, entries, end);
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8);
}

function uint32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
