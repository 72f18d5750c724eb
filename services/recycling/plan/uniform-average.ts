import { arithmetics } from "#libs/recipes";
import type { Source, Template } from "./template.ts";

/** Work of an average: next to nothing. */
export const AVERAGE_WORK = 1e6;

/** The uniform average of models, without the tensors named in `exclude`. */
export function uniformAverage(models: readonly Source[], exclude?: readonly string[]): Template {
  return {
    kind: "average",
    inputs: { models },
    parameters: { method: "uniform", ...(exclude ? { exclude } : {}), dtype: "F32" },
    arithmetic: arithmetics.averaging,
  };
}
