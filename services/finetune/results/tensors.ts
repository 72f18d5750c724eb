import type { TensorEntry } from "#libs/tensors";
import { excerpt, quote } from "#libs/text";

/** A tensor without its place. */
export type Tensor = Pick<TensorEntry, "dtype" | "shape">;

/** What tensors a model has to have. */
export type Expected = {
  /** Who has them, as the beginning of the clause "… has [7, 512]". */
  readonly whose: string;
  /** Tensors by name; undefined where nobody knows them. */
  readonly tensors?: ReadonlyMap<string, Tensor>;
  /** Tensors of which only is known that they have a row for each class. */
  readonly head: readonly string[];
  readonly classes: number;
};

/** The first tensor that is not as expected, as a sentence; undefined where all are. Numbers may be kept with more bits than they came with. */
export function unfitTensor(found: ReadonlyMap<string, Tensor>, { whose, tensors, head, classes }: Expected): string | undefined {
  for (const name of head) {
    const rows = found.get(name)?.shape[0];
    if (rows === classes) continue;
    const asked = `a tensor of the head has a row for each of the ${classes} classes`;
    if (!found.has(name)) return `tensor ${excerpt(name)} is missing; ${asked}`;
    return `tensor ${excerpt(name)} has shape ${shown(found.get(name)!.shape)}; ${asked}`;
  }
  if (!tensors) return undefined;
  for (const [name, { dtype, shape }] of tensors) {
    if (head.includes(name)) continue;
    const tensor = found.get(name);
    if (!tensor) return `tensor ${excerpt(name)} is missing; ${whose} has one of shape ${shown(shape)}`;
    if (tensor.shape.join() !== shape.join())
      return `tensor ${excerpt(name)} has shape ${shown(tensor.shape)}; ${whose} has ${shown(shape)}`;
    if (tensor.dtype !== dtype && !(isFloat(dtype) && tensor.dtype === "F32"))
      return `tensor ${excerpt(name)} is of type ${tensor.dtype}; ${whose} has ${dtype}`;
  }
  const stranger = [...found.keys()].find((name) => !tensors.has(name) && !head.includes(name));
  return stranger === undefined ? undefined : `there is a tensor ${quote(stranger)}, and ${whose} has none of that name`;
}

/** Whether a type has a fraction. */
export function isFloat(dtype: string): boolean {
  return /^B?F\d/.test(dtype);
}

function shown(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
