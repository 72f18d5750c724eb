import {
  MERGE_ARITHMETIC,
  MergeError,
  type MergePlan,
  MergePlanError,
  type MergeRequest,
  mainDtype,
  methodNamed,
  planMerge,
  runMerge,
} from "#libs/merging";
import { arithmetics } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import { estimate } from "./estimate.ts";
import type { PreparedMerge } from "./prepared-merge.ts";

/** A merge by a method, ready to be run. @throws UsageError with everything for which it cannot be planned */
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
    run: (options) =>
      runMerge(plan, options).catch((error: unknown) => {
        throw error instanceof MergeError ? withNames(error, plan, request) : error;
      }),
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

/** Of a model that threads know by its number the user knows the name. */
function withNames(error: MergeError, { tensors }: MergePlan, { models }: MergeRequest): Error {
  const of = tensors.find(({ name }) => name === error.tensor)?.of;
  const message = error.message.replace(
    /models\[(\d+)\]/g,
    (text, index: string) => models[of?.[Number(index)] ?? Number(index)]?.name ?? text,
  );
  return Object.assign(new Error(message, { cause: error }), { kind: error.kind });
}
