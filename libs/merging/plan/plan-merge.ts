import { planOutputs } from "#libs/models";

import { isAveraged } from "../compatibility/index.ts";
import type { Method } from "../method.ts";
import { methodNamed, methods } from "../methods/index.ts";
import { commonTensors } from "./common.ts";
import { completeFor } from "./complete.ts";
import { MergePlanError } from "./errors.ts";
import { inputTable } from "./inputs.ts";
import { planKey } from "./key.ts";
import { countProblem, planTensor, type UnplacedTensor } from "./plan-tensor.ts";
import type { MergeRequest } from "./request.ts";
import type { MergePlan, PlannedTensor, SourceNames } from "./types.ts";

/**
 * Plans a merge: every tensor of the result, what it is made of and how, and where its bytes go. Pure; nothing of the weights is read.
 * Floating-point tensors are made by the method. Tensors of whole numbers and truth values have to agree in all models and in the base
 * (`agree`), but for counters named num_batches_tracked (`maximum`). Tensors that share storage in PyTorch are planned once for each name.
 * @throws MergePlanError with every reason why it cannot be done.
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { openModel, weightsDigest } from "#libs/models";
 * import { saveFloat32 } from "#libs/tensors";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const path = directory.join("a.safetensors");
 * await writeFile(path, saveFloat32(new Map([["w", { shape: [2], data: Float32Array.of(1, 2) }]])));
 * const model = await openModel(path);
 * const digests = Array(2).fill(await weightsDigest(model));
 * const plan = planMerge({ method: "linear", models: [model, model], digests, dtype: "BF16" });
 * plan.tensors.map(({ name, dtype }) => [name, dtype]); // [["w", "BF16"]]
 * plan.outputs.map(({ name }) => name); // ["model.safetensors"]
 * ```
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

  const plans: UnplacedTensor[] = [];
  const complete = completeFor(method);
  const inputs = inputTable(models, request);
  for (const tensor of wanted.tensors) {
    const planned = planTensor(tensor, { request, method, models, mixedTypes, complete, inputs });
    if (Array.isArray(planned)) problems.push(...planned);
    else plans.push(planned as UnplacedTensor);
  }
  if (problems.length > 0) throw new MergePlanError([...new Set(problems)]);

  const { single, maxShardBytes, stem } = request;
  const folders = [...new Set(models.flatMap(({ folders = [] }) => folders))];
  const { outputs, places, index } = planOutputs(plans, {
    ...(single === undefined ? {} : { single }),
    ...(maxShardBytes === undefined ? {} : { maxShardBytes }),
    ...{ stem, folders },
  });
  const tensors: PlannedTensor[] = plans.map((plan) => ({ ...plan, ...places.get(plan.name)! }));
  // A tensor without bytes begins where the next one does: it comes first, and equal ones stay as they are.
  tensors.sort((a, b) => a.file - b.file || a.offset - b.offset || a.elements - b.elements);
  const plan = {
    seed: method.random ? (request.seed ?? 0) : 0,
    digests: request.digests,
    names: namesOf(request),
    inputs: inputs.files(),
    outputs,
    tensors,
    ...(index === undefined ? {} : { index }),
  };
  return { key: planKey(plan, inputs.identities()), ...plan };
}

function namesOf({ models, base, statistics }: MergeRequest): SourceNames {
  return {
    models: models.map(({ name }) => name),
    ...(base ? { base: base.name } : {}),
    ...(statistics ? { statistics: statistics.map(({ name }) => name) } : {}),
  };
}

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
  const parts = models.find(({ folders = [] }) => folders.length > 0);
  if (parts !== undefined && request.single !== undefined)
    yield `${parts.name} has weights in ${parts.folders![0]}/ too, which do not go into one file: write to a folder`;
  if (statistics !== undefined && statisticsDigests?.length !== statistics.length) yield "every file of statistics needs a digest";
}
