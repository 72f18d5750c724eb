import { type Dtype, dtypes } from "#libs/tensors";
import { excerpt } from "#libs/text";
import { TorchFileError } from "./errors.ts";
import { storageType } from "./pickle/allow-list.ts";
import { GlobalName, type PickleValue, Storage, Tuple } from "./pickle/values.ts";

/** The storages of a pickle by their keys, as its persistent ids tell of them. */
export type Storages = {
  readonly byKey: ReadonlyMap<string, Storage>;
  /** Takes `("storage", class, key, device, length)` and, of old files, which part of it. @throws TorchFileError */
  readonly take: (id: PickleValue) => Storage;
};

export function collectStorages(): Storages {
  const byKey = new Map<string, Storage>();
  return {
    byKey,
    take(id) {
      const [kind, type, key, , length, view = null] = id instanceof Tuple ? id.items : [];
      if (kind === "module")
        throw new TorchFileError(
          "call",
          "it has a whole module in it, whose classes would have to be called: save its state_dict() instead",
        );
      const dtype = type instanceof GlobalName ? storageType(type) : undefined;
      if (kind !== "storage" || dtype === undefined || typeof key !== "string" || !isCount(length))
        throw new TorchFileError(
          "storage",
          `its pickle refers to something outside of it that is no storage (${typeof kind === "string" ? excerpt(kind) : "without a name"})`,
        );
      const storage = new Storage(key, dtype ?? undefined, length);
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, storage);
      else if (known.dtype !== storage.dtype || known.length !== storage.length)
        throw new TorchFileError("storage", `its storage ${excerpt(key)} has two sizes or types`);
      return view === null ? storage : partOf(storage, view);
    },
  };
}

/** Bytes of the elements of a storage. */
export function storageBytes({ dtype, length }: Storage): number {
  return length * elementBytes(dtype);
}

export function elementBytes(dtype: Dtype | undefined): number {
  return dtype === undefined ? 1 : dtypes.get(dtype)!.bits / 8;
}

/** `(key, offset, size)`: before PyTorch 0.4, tensors could have a part of a storage for theirs. */
function partOf({ key, dtype, length }: Storage, view: PickleValue): Storage {
  const [, offset, size] = view instanceof Tuple ? view.items : [];
  if (!isCount(offset) || !isCount(size) || offset + size > length)
    throw new TorchFileError("storage", `a part of its storage ${excerpt(key)} is not in it`);
  return new Storage(key, dtype, size, offset);
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
