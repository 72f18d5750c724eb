import type { ByteSource } from "#libs/tensors";
import { excerpt } from "#libs/text";
import { TorchFileError } from "./errors.ts";
import { unpickle } from "./pickle/unpickle.ts";
import type { PickleValue } from "./pickle/values.ts";
import { collectStorages, storageBytes } from "./storages.ts";
import { dataOffset, readZip, type ZipEntry } from "./zip.ts";

/** A state dict of 100,000 tensors has a pickle of some 15 MB. */
const MOST_PICKLE_BYTES = 64 << 20;

/** What a file of torch.save holds, and where in the file each of its storages begins. */
export type TorchContent = { readonly value: PickleValue; readonly begins: ReadonlyMap<string, number> };

/**
 * Reads the pickle of a file as PyTorch 1.6 and later write it: a zip archive with `data.pkl`, and one file for each storage, `data/0`, `data/1`, ….
 * @throws TorchFileError
 */
export async function readZipFile(source: ByteSource): Promise<TorchContent> {
  const entries = await readZip(source);
  const { root, pickle } = findPickle(entries);
  if (pickle.bytes > MOST_PICKLE_BYTES) throw new TorchFileError("limit", `its pickle has ${pickle.bytes} bytes`);
  const storages = collectStorages();
  const { value } = unpickle(await source.read(await dataOffset(source, pickle), pickle.bytes), storages.take);
  await checkByteOrder(source, entries.get(`${root}byteorder`));
  const begins = new Map<string, number>();
  for (const [key, storage] of storages.byKey) {
    const entry = entries.get(`${root}data/${key}`);
    if (entry === undefined) throw new TorchFileError("storage", `its storage ${excerpt(key)} is missing in the archive`);
    if (entry.bytes < storageBytes(storage))
      throw new TorchFileError("storage", `its storage ${excerpt(key)} has ${entry.bytes} bytes, and should have ${storageBytes(storage)}`);
    begins.set(key, await dataOffset(source, entry));
  }
  return { value, begins };
}

/** The one `data.pkl`, and the folder that it is in. */
function findPickle(entries: ReadonlyMap<string, ZipEntry>): { root: string; pickle: ZipEntry } {
  const names = [...entries.keys()].filter((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  const [name] = names;
  if (name === undefined) throw new TorchFileError("format", "it is a zip archive, and has no data.pkl as the files of torch.save have");
  if (names.length > 1) throw new TorchFileError("archive", `it has ${names.length} pickles: ${excerpt(names.join(", "))}`);
  const root = name.slice(0, -"data.pkl".length);
  if (entries.has(`${root}constants.pkl`))
    throw new TorchFileError(
      "format",
      "it is a program of TorchScript (torch.jit.save); save the state_dict() of its module with torch.save instead",
    );
  return { root, pickle: entries.get(name)! };
}

async function checkByteOrder(source: ByteSource, entry: ZipEntry | undefined): Promise<void> {
  if (entry === undefined || entry.bytes > 16) return;
  const order = Buffer.from(await source.read(await dataOffset(source, entry), entry.bytes)).toString("latin1");
  if (order !== "little")
    throw new TorchFileError("format", `the bytes of its numbers are in the order ${excerpt(order)}; expected little`);
}
