import type { Method } from "../method.ts";
import { arceeFusion } from "./arcee-fusion.ts";
import { breadcrumbs } from "./breadcrumbs.ts";
import { breadcrumbsTies } from "./breadcrumbs-ties.ts";
import { dareLinear } from "./dare-linear.ts";
import { dareTies } from "./dare-ties.ts";
import { della } from "./della.ts";
import { dellaLinear } from "./della-linear.ts";
import { ema } from "./ema.ts";
import { fisher } from "./fisher.ts";
import { fusing } from "./fusing.ts";
import { geometricMean } from "./geometric-mean.ts";
import { geometricMedian } from "./geometric-median.ts";
import { karcher } from "./karcher.ts";
import { lawa } from "./lawa.ts";
import { linear } from "./linear.ts";
import { maxAbs } from "./max-abs.ts";
import { median } from "./median.ts";
import { minAbs } from "./min-abs.ts";
import { modelStock } from "./model-stock.ts";
import { multislerp } from "./multislerp.ts";
import { nearswap } from "./nearswap.ts";
import { nuslerp } from "./nuslerp.ts";
import { passthrough } from "./passthrough.ts";
import { ram } from "./ram.ts";
import { ramplusTl } from "./ramplus-tl.ts";
import { randomPick } from "./random-pick.ts";
import { regmean } from "./regmean.ts";
import { sce } from "./sce.ts";
import { slerp } from "./slerp.ts";
import { swa } from "./swa.ts";
import { taskArithmetic } from "./task-arithmetic.ts";
import { ties } from "./ties.ts";
import { trimmedMean } from "./trimmed-mean.ts";
import { wiseFt } from "./wise-ft.ts";

export type { Method, Parameter } from "../method.ts";
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

/** Methods that are shown together. */
export type MethodGroup = { readonly title: string; readonly methods: readonly Method[] };

/** Every method is in one group. */
export const methodGroups: readonly MethodGroup[] = [
  { title: "Means", methods: [linear, fusing, passthrough] },
  { title: "Along a line or a trajectory", methods: [wiseFt, ema, swa, lawa] },
  {
    title: "Sums of differences to a base",
    methods: [taskArithmetic, ties, dareLinear, dareTies, della, dellaLinear, breadcrumbs, breadcrumbsTies, sce, ram, ramplusTl],
  },
  { title: "On the sphere", methods: [slerp, nuslerp, multislerp, karcher] },
  { title: "Between a base and its fine-tunings", methods: [modelStock, nearswap, arceeFusion] },
  { title: "With statistics of the models", methods: [fisher, regmean] },
  { title: "Robust against some of the models", methods: [median, trimmedMean, geometricMedian] },
  { title: "Number by number, or tensor by tensor", methods: [geometricMean, maxAbs, minAbs, randomPick] },
];

/** Every method, in the order in which they are shown. */
export const methods: readonly Method[] = methodGroups.flatMap((group) => group.methods);

const byName = new Map(methods.flatMap((method) => [method.name, ...(method.aliases ?? [])].map((name) => [name, method] as const)));

/**
 * The method of a name or an alias; hyphens are as good as underscores.
 * @example
 * ```ts
 * methodNamed("task-arithmetic")?.base; // "required"
 * methodNamed("mean of all"); // undefined
 * ```
 */
export function methodNamed(name: string): Method | undefined {
  return byName.get(name) ?? byName.get(name.replaceAll("-", "_"));
}

/** What a method may be called by: names and other names. */
export function namesOfMethods(): string[] {
  return methods.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
}
