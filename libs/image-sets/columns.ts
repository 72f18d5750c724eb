import { type Dtype, parseSafetensorsHeader, SafetensorsError } from "#libs/tensors";
import { excerpt } from "#libs/text";
import { ImageSetError } from "./errors.ts";

/** A safetensors file of columns, one value or one row of values for each image. */
export type Columns = {
  readonly metadata: ReadonlyMap<string, string>;
  /** The first number of a column's shape; 0 where there is no such column. */
  lengthOf(name: string): number;
  /** A copy of a column's bytes. @throws ImageSetError if it is missing, or of another type or shape */
  bytesOf(name: string, dtype: Dtype, shape: readonly number[]): Uint8Array<ArrayBuffer>;
  /** "not an index of images: …" */
  wrong(problem: string, cause?: unknown): ImageSetError;
};

/** Opens a file of columns. @param what "an index of images". @throws ImageSetError for other bytes, or a format that is none of those */
export function openColumns(file: Uint8Array, what: string, formats: readonly string[]): Columns {
  const wrong = (problem: string, cause?: unknown) => new ImageSetError(`not ${what}: ${problem}`, { cause });
  const { tensors, metadata, dataOffset } = headerOf(file, wrong);
  const found = metadata.get("format");
  if (found === undefined || !formats.includes(found))
    throw wrong(`its format is ${excerpt(found ?? "missing")}, expected ${formats.join(" or ")}`);
  return {
    metadata,
    lengthOf: (name) => tensors.get(name)?.shape[0] ?? 0,
    bytesOf(name, dtype, shape) {
      const entry = tensors.get(name);
      if (entry === undefined) throw wrong(`the column ${name} is missing`);
      const isRight = entry.dtype === dtype && entry.shape.length === shape.length && entry.shape.every((size, i) => size === shape[i]);
      if (!isRight)
        throw wrong(`the column ${name} is ${entry.dtype} [${entry.shape.join(", ")}], expected ${dtype} [${shape.join(", ")}]`);
      return file.slice(dataOffset + entry.begin, dataOffset + entry.end) as Uint8Array<ArrayBuffer>;
    },
    wrong,
  };
}

function headerOf(file: Uint8Array, wrong: Columns["wrong"]) {
  try {
    return parseSafetensorsHeader(file, file.length);
  } catch (cause) {
    if (cause instanceof SafetensorsError) throw wrong(cause.message, cause);
    throw cause;
  }
}
