import { isAveraged } from "../compatibility/index.ts";
import type { PlanContext } from "./plan-context.ts";
import type { TensorRequest } from "./request.ts";
import type { Source } from "./types.ts";

/** Where the statistics of a tensor lie, undefined where none has any, or what is wrong with them. */
export function statisticsOf(
  label: string,
  { sources }: TensorRequest,
  shape: readonly number[],
  { request, method, inputs }: PlanContext,
): Source[] | string | undefined {
  const files = sources.map(({ model }) => request.statistics?.[model]);
  // Said already, for the request as a whole.
  if (files.includes(undefined)) return undefined;
  const places = files.map((file, i) => file?.tensors.get(sources[i]!.tensor));
  // RegMean has Gram matrices for linear layers only; every other tensor is a plain mean. Fisher information has a number for each weight.
  if (method.statistics === "gram" && places.every((place) => place === undefined)) return undefined;
  const wanted = method.statistics === "gram" ? [shape.at(-1) ?? 1, shape.at(-1) ?? 1] : shape;
  for (const [i, place] of places.entries()) {
    const file = files[i]!.name;
    if (place === undefined) return `${label}: the statistics ${file} have none for it`;
    if (!isAveraged(place.dtype)) return `${label}: the statistics ${file} are ${place.dtype}; they have to be F64, F32, F16 or BF16`;
    if (place.shape.join() !== wanted.join())
      return `${label}: the statistics ${file} have the shape [${place.shape.join(", ")}]; ${method.name} needs [${wanted.join(", ")}]`;
  }
  return sources.map(({ model, tensor }) => inputs.statistics(model, tensor));
}
