import type { ModelFiles, TensorPlace } from "#libs/models";
import type { Dtype } from "#libs/tensors";
import { compareStructure, isAveraged } from "../compatibility/index.ts";
import type { Method } from "../method.ts";
import type { PlanContext } from "./plan-context.ts";
import type { TensorOf, TensorRequest } from "./request.ts";
import { statisticsOf } from "./statistics.ts";
import type { PlannedTensor, Source } from "./types.ts";

/** A tensor whose place in the output is not known yet. */
export type UnplacedTensor = Omit<PlannedTensor, "file" | "offset">;

/** One tensor, or what is wrong with it. */
export function planTensor(tensor: TensorRequest, context: PlanContext): UnplacedTensor | string[] {
  const { request, method, models, mixedTypes, inputs } = context;
  const label = `tensor ${JSON.stringify(tensor.name)}`;
  const of = [...tensor.sources, ...(tensor.base === undefined ? [] : [tensor.base])];
  const places = of.map((one) => models[one.model]?.tensors.get(one.tensor));
  const problems: string[] = [];
  if (request.tensors !== undefined) {
    problems.push(...[...countProblem(method, tensor.sources.length)].map((problem) => `${label}: ${problem}`));
    if (method.base === "required" && tensor.base === undefined) problems.push(`${label}: ${method.name} needs a base model`);
    problems.push(...differences(label, of, places, models, mixedTypes));
  }
  if (problems.length > 0) return problems;
  if (places.includes(undefined)) return [];
  const [first] = places as TensorPlace[];
  if (first === undefined) return [`${label} is made of nothing`];
  const { shape } = first;
  const source = (one: TensorOf): Source => inputs.source(one);
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  const kind = tensorKind(tensor, first, context);
  if (kind === undefined) return [`${label}: ${first.dtype} has no average: turn it into F32, F16 or BF16 first`];
  if (kind !== "merge") {
    const sources = kind === "maximum" ? tensor.sources : of;
    const parameters = { merge: {}, models: [] };
    return { name: tensor.name, shape, elements, method: kind, parameters, models: sources.map(source), dtype: first.dtype };
  }
  const given = request.parametersOf?.(tensor.name) ?? {};
  const { parameters, problems: wrong } = context.complete(
    given,
    tensor.sources.map(({ model }) => models[model]!.name),
  );
  const statistics = method.statistics === undefined ? undefined : statisticsOf(label, tensor, shape, context);
  if (wrong.length > 0 || typeof statistics === "string") return [...wrong, ...(typeof statistics === "string" ? [statistics] : [])];
  const misfit = parametersProblem(tensor, shape, parameters, statistics !== undefined, context);
  if (misfit !== undefined) return [misfit];
  if (isCopy(method, parameters, first.dtype, request.dtype)) {
    const models = tensor.sources.map(source);
    return { name: tensor.name, shape, elements, method: "agree", parameters: { merge: {}, models: [] }, models, dtype: first.dtype };
  }
  const inOrder = tensor.sources.length === request.models.length && tensor.sources.every(({ model }, i) => model === i);
  return {
    name: tensor.name,
    shape,
    elements,
    method: method.name,
    parameters,
    models: tensor.sources.map(source),
    ...(inOrder ? {} : { of: tensor.sources.map(({ model }) => model) }),
    ...(tensor.base === undefined || method.base === "none" ? {} : { base: source(tensor.base) }),
    ...(statistics === undefined ? {} : { statistics }),
    dtype: request.dtype ?? first.dtype,
  };
}

/** A tensor that only passes through keeps its bytes. */
function isCopy({ name }: Method, { models }: PlannedTensor["parameters"], from: Dtype, to: Dtype | undefined): boolean {
  return name === "passthrough" && models[0]?.["scale"] === 1 && (to === undefined || to === from);
}

/** Parameters can be right one by one and not together: weights that sum to nothing. The method says so before anything is read. */
function parametersProblem(
  { name, sources, base }: TensorRequest,
  shape: readonly number[],
  parameters: PlannedTensor["parameters"],
  hasStatistics: boolean,
  { request: { digests, seed = 0 }, method }: PlanContext,
): string | undefined {
  const task = { name, shape, models: sources.length, hasBase: base !== undefined, hasStatistics, parameters, seed };
  try {
    method.program({ ...task, digests: sources.map(({ model }) => digests[model] ?? "") });
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return `${method.name}: ${error.message}`;
    throw error;
  }
}

/** How a tensor is made: by the method, or as a whole. Undefined where its type has no average and more than one model has it. */
function tensorKind(
  { name, sources, base }: TensorRequest,
  { dtype }: TensorPlace,
  { method }: PlanContext,
): "merge" | "agree" | "maximum" | undefined {
  if (isAveraged(dtype)) return "merge";
  if (WHOLE.has(dtype)) return dtype !== "BOOL" && /(^|\.)num_batches_tracked$/.test(name) ? "maximum" : "agree";
  return method.name === "passthrough" && sources.length === 1 && base === undefined ? "agree" : undefined;
}

const WHOLE: ReadonlySet<Dtype> = new Set(["BOOL", "U8", "I8", "I16", "U16", "I32", "U32", "I64", "U64"]);

/** What stands in the way of sources that are named one by one. */
function differences(
  label: string,
  of: readonly TensorOf[],
  places: readonly (TensorPlace | undefined)[],
  models: readonly ModelFiles[],
  mixedTypes: boolean,
): string[] {
  const structures = of.map((one, i) => {
    const place = places[i];
    const name = `${models[one.model]?.name ?? `model ${one.model}`} (${one.tensor})`;
    return { name, tensors: new Map(place === undefined ? [] : [[label, place]]) };
  });
  if (places.every((place) => place === undefined)) return [`${label}: no model has ${of.map(({ tensor }) => tensor).join(", ")}`];
  return compareStructure(structures, { mixedTypes })
    .filter(({ code }) => code !== "no-average")
    .map(({ problem }) => `${label}: ${problem}`);
}

/** What is wrong with how many models there are. */
export function* countProblem({ name, models: { min, max } }: Method, count: number): Generator<string> {
  if (count >= min && count <= max) return;
  const allowed = min === max ? `${min}` : max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`;
  yield `${name} takes ${allowed} model${allowed === "1" || allowed === "at least 1" ? "" : "s"}, not ${count}`;
}
