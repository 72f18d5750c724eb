import type { ByteSource } from "#libs/tensors";
import { excerpt } from "#libs/text";
import { TorchFileError } from "./errors.ts";
import { unpickle } from "./pickle/unpickle.ts";
import type { PickleValue } from "./pickle/values.ts";
import { collectStorages, storageBytes } from "./storages.ts";
import type { TorchContent } from "./zip-file.ts";

/** `torch.serialization.MAGIC_NUMBER` and `PROTOCOL_VERSION`. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
const FIRST_WINDOW = 1 << 18;
const LARGEST_WINDOW = 64 << 20;
/** Before each storage: how many elements it has. */
const LENGTH_BYTES = 8;

/**
 * Reads the pickles of a file as PyTorch before 1.6 writes it: magic number, version, system, the object, the keys of its storages; behind them
 * the storages. @throws TorchFileError
 */
export async function readLegacyFile(source: ByteSource): Promise<TorchContent> {
  const { value, keys, storages, end } = await readPickles(source);
  const begins = new Map<string, number>();
  let at = end;
  for (const key of keys) {
    const storage = storages.get(key);
    if (storage === undefined) throw new TorchFileError("storage", `its storage ${excerpt(key)} belongs to nothing`);
    if (at + LENGTH_BYTES > source.size) throw cutOff();
    const length = Buffer.from(await source.read(at, LENGTH_BYTES)).readBigInt64LE();
    if (length !== BigInt(storage.length))
      throw new TorchFileError("storage", `its storage ${excerpt(key)} has ${length} elements, and should have ${storage.length}`);
    begins.set(key, at + LENGTH_BYTES);
    at += LENGTH_BYTES + storageBytes(storage);
    if (at > source.size) throw cutOff();
  }
  const missing = [...storages.keys()].find((key) => !begins.has(key));
  if (missing !== undefined) throw new TorchFileError("storage", `its storage ${excerpt(missing)} is missing`);
  return { value, begins };
}

type Pickles = { value: PickleValue; keys: string[]; storages: ReturnType<typeof collectStorages>["byKey"]; end: number };

/** Nobody says how long the pickles are: they are read in a window that grows until they fit. */
async function readPickles(source: ByteSource): Promise<Pickles> {
  for (let window = FIRST_WINDOW; ; window *= 4) {
    const bytes = await source.read(0, Math.min(window, source.size));
    try {
      return picklesIn(bytes);
    } catch (error) {
      if (!(error instanceof TorchFileError && error.rule === "truncated") || window >= source.size) throw error;
      if (window >= LARGEST_WINDOW) throw new TorchFileError("limit", `its pickle has more than ${LARGEST_WINDOW} bytes`, { cause: error });
    }
  }
}

function picklesIn(bytes: Uint8Array): Pickles {
  const magic = unpickle(bytes);
  if (magic.value !== MAGIC) throw new TorchFileError("format", "it is a pickle, but not one of torch.save");
  const version = unpickle(bytes, undefined, magic.end);
  if (version.value !== VERSION) throw new TorchFileError("format", "it is of another version of PyTorch's old format than 1001");
  const system = unpickle(bytes, undefined, version.end);
  if (system.value instanceof Map && system.value.get("little_endian") === false)
    throw new TorchFileError("format", "the bytes of its numbers are in the order big; expected little");
  const storages = collectStorages();
  const object = unpickle(bytes, storages.take, system.end);
  const keys = unpickle(bytes, undefined, object.end);
  if (!Array.isArray(keys.value) || !keys.value.every((key) => typeof key === "string") || new Set(keys.value).size < keys.value.length)
    throw new TorchFileError("storage", "its list of storages is none");
  return { value: object.value, keys: keys.value, storages: storages.byKey, end: keys.end };
}

function cutOff(): TorchFileError {
  return new TorchFileError("truncated", "it ends in the middle of its tensors: it was cut off, or downloaded in part");
}
