import type { Method } from "../method.ts";
import { linear } from "./linear.ts";
import { passthrough } from "./passthrough.ts";
import { taskArithmetic } from "./task-arithmetic.ts";

export {
  boundsOf,
  type CompleteValues,
  completeAll,
  completeParameters,
  type GivenValues,
  MergeParameterError,
  type ParametersOf,
} from "./complete-parameters.ts";
export { type InMemoryOptions, runMethodInMemory, type TensorInMemory } from "./in-memory.ts";

/** Every method, in the order in which they are shown. */
export const methods: readonly Method[] = [linear, taskArithmetic, passthrough];

const byName = new Map(methods.flatMap((method) => [method.name, ...(method.aliases ?? [])].map((name) => [name, method] as const)));

/** The method of a name or an alias; hyphens are as good as underscores. */
export function methodNamed(name: string): Method | undefined {
  return byName.get(name) ?? byName.get(name.replaceAll("-", "_"));
}
