import type { ModelFiles, TensorPlace } from "#libs/models";
import type { InputFile } from "../plan/types.ts";
import type { Factor } from "./lora.ts";
import type { AdapterFactor, AdapterOrigin, AdapterSource } from "./types.ts";

/** The files that a plan reads, each once, and what is read of them. */
export type AdapterInputs = ReturnType<typeof inputTable>;

/** Gives the files that are read their numbers. */
export function inputTable() {
  const files: InputFile[] = [];
  const numbers = new Map<string, number>();
  const names = new Map<ModelFiles, Map<TensorPlace, string>>();
  const origins = new Map<string, AdapterOrigin>();

  const nameOf = (model: ModelFiles, place: TensorPlace) => {
    const known = names.get(model) ?? new Map([...model.tensors].map(([name, each]) => [each, name]));
    names.set(model, known);
    return known.get(place) ?? "";
  };
  const source = (model: ModelFiles, place: TensorPlace): AdapterSource => {
    const { file, offset, dtype, shape, length } = place;
    const { path, size, identity } = model.files[file]!;
    let number = numbers.get(path);
    if (number === undefined) {
      number = files.push({ path, size, identity }) - 1;
      numbers.set(path, number);
    }
    // Where one without elements begins, so does the next one.
    if (length > 0)
      origins.set(`${number} ${offset}`, { file: number, offset, dtype, shape, model: model.name, tensor: nameOf(model, place) });
    return { file: number, offset, dtype };
  };
  const factor = (model: ModelFiles, { place, rows, columns }: Factor): AdapterFactor => ({ ...source(model, place), rows, columns });
  return { files, source, factor, origins: () => [...origins.values()] };
}
