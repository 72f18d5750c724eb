import { type ModelFiles, planOutputs, type TensorPlace } from "#libs/models";

import type { Dtype } from "#libs/tensors";
import { compareStructure, isAveraged } from "../compatibility/index.ts";
import type { Method } from "../method.ts";
import { methodNamed, methods } from "../methods/index.ts";
import { commonTensors } from "./common.ts";
import { completeFor } from "./complete.ts";
import { MergePlanError } from "./errors.ts";
import { inputTable } from "./inputs.ts";
import { planKey } from "./key.ts";
import type { MergeRequest, TensorOf, TensorRequest } from "./request.ts";
import type { MergePlan, PlannedTensor, Source } from "./types.ts";

/**
 * Plans a merge: every tensor of the result, what it is made of and how, and where its bytes go. Pure; nothing of the weights is read.
 * Floating-point tensors are made by the method. Tensors of whole numbers and truth values have to agree in all models and in the base
 * (`agree`), but for counters named num_batches_tracked (`maximum`). Tensors that share storage in PyTorch are planned once for each name.
 * @throws MergePlanError with every reason why it cannot be done.
 */
export function planMerge(request: MergeRequest): MergePlan {
  const method = methodNamed(request.method);
  if (method === undefined) {
    throw new MergePlanError([`there is no method ${JSON.stringify(request.method)}: ${methods.map(({ name }) => name).join(", ")}`]);
  }
  const problems = [...checkRequest(request, method)];
  const models = request.base === undefined ? request.models : [...request.models, request.base];
  const mixedTypes = request.dtype !== undefined;
  const wanted = request.tensors === undefined ? commonTensors(request, mixedTypes) : { tensors: request.tensors, problems: [] };
  problems.push(...wanted.problems);
  if (problems.length === 0 && wanted.tensors.length === 0) problems.push("there is no tensor to merge");

  const plans: Unplaced[] = [];
  const complete = completeFor(method);
  const inputs = inputTable(models, request);
  for (const tensor of wanted.tensors) {
    const planned = planTensor(tensor, { request, method, models, mixedTypes, complete, inputs });
    if (Array.isArray(planned)) problems.push(...planned);
    else plans.push(planned as Unplaced);
  }
  if (problems.length > 0) throw new MergePlanError([...new Set(problems)]);

  const { single, maxShardBytes } = request;
  const { outputs, places, index } = planOutputs(plans, {
    ...(single === undefined ? {} : { single }),
    ...(maxShardBytes === undefined ? {} : { maxShardBytes }),
  });
  const tensors: PlannedTensor[] = plans.map((plan) => ({ ...plan, ...places.get(plan.name)! }));
  // A tensor without bytes begins where the next one does: it comes first, and equal ones stay as they are.
  tensors.sort((a, b) => a.file - b.file || a.offset - b.offset || a.elements - b.elements);
  const plan = {
    seed: method.random ? (request.seed ?? 0) : 0,
    digests: request.digests,
    inputs: inputs.files(),
    outputs,
    tensors,
    ...(index === undefined ? {} : { index }),
  };
  return { key: planKey(plan, inputs.identities()), ...plan };
}

type Unplaced = Omit<PlannedTensor, "file" | "offset">;

type Context = {
  readonly request: MergeRequest;
  readonly method: Method;
  readonly models: readonly ModelFiles[];
  readonly mixedTypes: boolean;
  readonly complete: ReturnType<typeof completeFor>;
  readonly inputs: ReturnType<typeof inputTable>;
};

/** What is wrong with the request as a whole. */
function* checkRequest(request: MergeRequest, method: Method): Generator<string> {
  const { models, digests, base, baseDigest, dtype, statistics, statisticsDigests, seed } = request;
  const stacked = request.tensors !== undefined;
  if (!stacked) yield* countProblem(method, models.length);
  if (digests.length !== models.length) yield `${models.length} models need as many digests, not ${digests.length}`;
  if (method.base === "required" && base === undefined && !stacked) yield `${method.name} needs a base model`;
  if (method.base === "none" && base !== undefined && !stacked)
    yield `${method.name} takes no base model, and ${base.name} is given as one`;
  if (base !== undefined && baseDigest === undefined) yield `the base ${base.name} needs a digest`;
  if (dtype !== undefined && !isAveraged(dtype)) yield `the type of the result is ${dtype}; it has to be F64, F32, F16 or BF16`;
  if (seed !== undefined && !(Number.isInteger(seed) && seed >= 0 && seed <= 0xffffffff))
    yield `the seed is ${seed}; it has to be a whole number from 0 to 4294967295`;
  if (method.statistics === undefined && statistics !== undefined) yield `${method.name} takes no statistics`;
  if (method.statistics !== undefined && statistics?.length !== models.length)
    yield `${method.name} needs statistics of every model: ${models.length} files, not ${statistics?.length ?? 0}`;
  if (statistics !== undefined && statisticsDigests?.length !== statistics.length) yield "every file of statistics needs a digest";
}

function* countProblem({ name, models: { min, max } }: Method, count: number): Generator<string> {
  if (count >= min && count <= max) return;
  const allowed = min === max ? `${min}` : max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`;
  yield `${name} takes ${allowed} model${allowed === "1" || allowed === "at least 1" ? "" : "s"}, not ${count}`;
}

/** One tensor, or what is wrong with it. */
function planTensor(tensor: TensorRequest, context: Context): Unplaced | string[] {
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

/** A tensor that only passes through keeps its bytes: what is not a number in it is none of our business. */
function isCopy({ name }: Method, { models }: PlannedTensor["parameters"], from: Dtype, to: Dtype | undefined): boolean {
  return name === "passthrough" && models[0]?.["scale"] === 1 && (to === undefined || to === from);
}

/** Parameters can be right one by one and not together: weights that sum to nothing. The method says so before anything is read. */
function parametersProblem(
  { name, sources, base }: TensorRequest,
  shape: readonly number[],
  parameters: PlannedTensor["parameters"],
  hasStatistics: boolean,
  { request: { digests, seed = 0 }, method }: Context,
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
  { method }: Context,
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

/** Where the statistics of a tensor lie, undefined where none has any, or what is wrong with them. */
function statisticsOf(
  label: string,
  { sources }: TensorRequest,
  shape: readonly number[],
  { request, method, inputs }: Context,
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
