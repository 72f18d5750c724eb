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
  /**
   * The tensors are those of a model that a training starts from, which its trainer makes fit: a first convolution for other channels, position
   * embeddings for another size, numbers in another order of dimensions; and counters of batches that old files lack.
   */
  readonly isStart: boolean;
};

/** The first tensor that is not as expected, as a sentence; undefined where all are. Numbers may be kept with more bits than they came with. */
export function unfitTensor(found: ReadonlyMap<string, Tensor>, { whose, tensors, head, classes, isStart }: Expected): string | undefined {
  for (const name of head) {
    const rows = found.get(name)?.shape[0];
    if (rows === classes) continue;
    const asked = `a tensor of the head has a row for each of the ${classes} classes`;
    if (!found.has(name)) return `tensor ${excerpt(name)} is missing; ${asked}`;
    return `tensor ${excerpt(name)} has shape ${shown(found.get(name)!.shape)}; ${asked}`;
  }
  if (!tensors) return undefined;
  for (const [name, { dtype, shape }] of tensors) {
    if (head.includes(name) || (isStart && isCounter(name))) continue;
    const tensor = found.get(name);
    if (!tensor) return `tensor ${excerpt(name)} is missing; ${whose} has one of shape ${shown(shape)}`;
    if (tensor.shape.join() !== shape.join() && !(isStart && isAdapted(tensor.shape, shape)))
      return `tensor ${excerpt(name)} has shape ${shown(tensor.shape)}; ${whose} has ${shown(shape)}`;
    if (tensor.dtype !== dtype && !(isFloat(dtype) && tensor.dtype === "F32"))
      return `tensor ${excerpt(name)} is of type ${tensor.dtype}; ${whose} has ${dtype}`;
  }
  const stranger = [...found.keys()].find((name) => !tensors.has(name) && !head.includes(name) && !(isStart && isCounter(name)));
  return stranger === undefined ? undefined : `there is a tensor ${quote(stranger)}, and ${whose} has none of that name`;
}

/** Whether a type has a fraction. */
export function isFloat(dtype: string): boolean {
  return /^B?F\d/.test(dtype);
}

/** Of convolutions the second dimension is their channels, of position embeddings their places. */
function isAdapted(found: readonly number[], start: readonly number[]): boolean {
  const same = found.length === start.length && found.every((size, i) => i === 1 || size === start[i]);
  return (same && start.length >= 3) || count(found) === count(start);
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function isCounter(name: string): boolean {
  return /(^|\.)num_batches_tracked$/.test(name);
}

function shown(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
