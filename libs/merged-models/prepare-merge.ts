import { MERGE_ARITHMETIC, type MergePlan, MergePlanError, type MergeRequest, methodNamed, planMerge, runMerge } from "#libs/merging";
import { arithmetics } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import { mainDtype } from "#libs/tensors";
import { estimate } from "./estimate.ts";
import type { PreparedMerge } from "./prepared-merge.ts";

/**
 * A merge by a method, ready to be run.
 * @throws UsageError with everything for which it cannot be planned
 * @example
 * ```ts
 * import { readFile, writeFile } from "node:fs/promises";
 * import { openModel, weightsDigest } from "#libs/models";
 * import { loadFloat32, saveFloat32 } from "#libs/tensors";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const path = directory.join("a.safetensors");
 * await writeFile(path, saveFloat32(new Map([["w", { shape: [2], data: Float32Array.of(1, 2) }]])));
 * const [model, digest] = [await openModel(path), await weightsDigest(await openModel(path))];
 * const merge = prepareMerge({ method: "linear", models: [model, model], digests: [digest, digest], single: "mean.safetensors" });
 * [merge.arithmetic, merge.dtype, merge.outputs.map(({ name }) => name)]; // ["exact-mean/1", "F32", ["mean.safetensors"]]
 * ```
 */
export function prepareMerge(request: MergeRequest): PreparedMerge {
  const plan = planned(request);
  const method = methodNamed(request.method);
  const { key, inputs, outputs, index } = plan;
  return {
    ...{ key, inputs, outputs, index },
    seed: method?.random ? plan.seed : undefined,
    arithmetic: method?.name === "linear" ? arithmetics.averaging : MERGE_ARITHMETIC,
    dtype: mainDtype(plan.tensors),
    resumes: true,
    needs: (threads) => estimate(plan, threads),
    run: (options) => runMerge(plan, options),
  };
}

function planned(request: MergeRequest): MergePlan {
  try {
    return planMerge(request);
  } catch (cause) {
    if (cause instanceof MergePlanError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}
