import { bytesSource, openSafetensors, writeSafetensors } from "#libs/tensors";
import { quote } from "#libs/text";

const FORMAT = "ratatouille-split/1";
const parts = ["training", "validation"] as const;

/**
 * Of each domain of a data set, in its order, which rows of the data set are for training and which for validation; where items are held
 * out also which are for testing alone, in every domain or in none.
 */
export type Split = readonly {
  readonly domain: string;
  readonly training: Int32Array;
  readonly validation: Int32Array;
  readonly test?: Int32Array;
}[];

/** A file that is no split, or one of another data set. The message goes on from "it …". */
export class SplitError extends Error {
  override readonly name = "SplitError";
}

/**
 * The file of a split: safetensors with `training.i`, `validation.i` and perhaps `test.i`, I32, of the i-th domain.
 * @example
 * ```ts
 * const split = [{ domain: "art", training: Int32Array.of(2, 0), validation: Int32Array.of(1) }];
 * const [art] = await decodeSplit(encodeSplit(split));
 * art?.domain; // "art"
 * art?.training; // Int32Array.of(2, 0)
 * ```
 */
export function encodeSplit(split: Split): Uint8Array {
  const tensors = split.flatMap((domain, i) =>
    [...parts, ...(domain.test === undefined ? [] : ["test" as const])].map((part) => {
      const { buffer, byteOffset, byteLength, length } = domain[part]!;
      return { name: `${part}.${i}`, dtype: "I32" as const, shape: [length], data: new Uint8Array(buffer, byteOffset, byteLength) };
    }),
  );
  return writeSafetensors(tensors, { format: FORMAT, domains: JSON.stringify(split.map(({ domain }) => domain)) });
}

/** Reads a split. @throws SplitError, SafetensorsError */
export async function decodeSplit(bytes: Uint8Array): Promise<Split> {
  const file = await openSafetensors(bytesSource(bytes));
  const { metadata, tensors } = file.header;
  if (metadata.get("format") !== FORMAT) {
    throw new SplitError(`has the format ${quote(metadata.get("format") ?? "")} in its metadata; expected ${quote(FORMAT)}`);
  }
  const split: Split[number][] = [];
  const tested = tensors.has("test.0");
  for (const [i, domain] of domainsIn(metadata.get("domains")).entries()) {
    const [training, validation, test] = await Promise.all(
      [...parts, ...(tested ? ["test"] : [])].map(async (part) => {
        const name = `${part}.${i}`;
        const tensor = tensors.get(name);
        if (tensor?.dtype !== "I32" || tensor.shape.length !== 1) throw new SplitError(`has no list of whole numbers (I32) ${name}`);
        const copy = (await file.read(name)).slice();
        return new Int32Array(copy.buffer);
      }),
    );
    split.push({ domain, training: training!, validation: validation!, ...(test ? { test } : {}) });
  }
  return split;
}

function domainsIn(text = ""): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === "string")) return value;
  } catch {
    // Said below.
  }
  throw new SplitError("has no list of names of domains in its metadata");
}
