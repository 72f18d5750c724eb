import { availableParallelism } from "node:os";
import { basename, resolve } from "node:path";
import {
  type CompatibilityReport,
  isAveraged,
  MERGE_ARITHMETIC,
  type MergePlan,
  MergePlanError,
  type MergeRequest,
  type MergeResult,
  methodNamed,
  planMerge,
} from "#libs/merging";
import { type ModelFiles, recipeName } from "#libs/models";
import { arithmetics, type Json } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import type { CommandContext } from "../context.ts";
import { estimate } from "./estimate.ts";
import { foundationOf, licenceOf, type MergeFacts, parentOf, recipeText } from "./merge-facts.ts";
import { folderFiles } from "./model-folder.ts";
import type { WritingOptions } from "./options.ts";
import type { Output } from "./output.ts";
import { showReading } from "./progress.ts";
import { sayEstimate, sayResult } from "./say.ts";
import {
  dropSideFiles,
  existing,
  isOneOf,
  publishSideFiles,
  removeOtherWeights,
  type SideFile,
  stageSideFiles,
  wasBegun,
} from "./side-files.ts";

/** A merge to be done. */
export type Production = {
  readonly request: MergeRequest;
  readonly output: Output;
  readonly options: WritingOptions;
  /** What the check of the models has said. */
  readonly report: CompatibilityReport;
  /** What was asked for, for the recipe. */
  readonly parameters: { readonly [name: string]: Json };
  /** Of the models, in their order, where they have weights: for the model card. */
  readonly weights?: readonly number[];
  /** The same as a configuration for `ratatouille merge`, as YAML. */
  readonly configuration: () => string | Promise<string>;
};

/** What was done. */
export type Produced = MergeResult & { readonly key: string; readonly seconds: number };

/**
 * Plans a merge and does it: the weights, and what goes with them. With `--dry-run` it says what would be done. Tells the result.
 * A merge that was interrupted goes on when the same is asked for again.
 * @returns the exit code
 * @throws UsageError for what cannot be planned; Error if the output is there; MergeError
 */
export async function produce(production: Production, context: CommandContext): Promise<number> {
  const { request, output, options } = production;
  const plan = planned(request);
  const threads = options.threads ?? availableParallelism();
  if (options.dryRun) {
    context.stdout.write(sayEstimate(plan, estimate(plan, threads), production, threads));
    return 0;
  }
  const names = namesOf(plan, output);
  const begun = await wasBegun(output, plan.key);
  const taken = await existing(output, names);
  if (taken.length > 0 && !options.force && !begun) throw new Error(existsSentence(output, taken));
  await refuseInputs(plan, output);

  const facts = await factsOf(production, plan);
  const files = await filesOf(facts, production, plan);
  if (!begun && !options.force) await refuseOthers(output, files);
  await stageSideFiles(output, plan.key, files, options.fsync);
  const result = await run(plan, production, files, threads, begun, context);
  await publishSideFiles(output, plan.key, files, options.fsync);
  await removeOtherWeights(output, names);
  context.stdout.write(sayResult(result, production, facts, output));
  return 0;
}

function planned(request: MergeRequest): MergePlan {
  try {
    return planMerge(request);
  } catch (cause) {
    if (cause instanceof MergePlanError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}

/** The weights of an output, and what says where they are. */
function namesOf({ outputs, index }: MergePlan, output: Output): string[] {
  const weights = outputs.map(({ name }) => name);
  return [
    ...weights,
    ...(index === undefined ? [] : ["model.safetensors.index.json"]),
    ...(output.single ? [recipeName(output.single)] : []),
  ];
}

function existsSentence({ kind, path }: Output, taken: readonly string[]): string {
  const what = kind === "file" ? taken.join(" and ") : `${path} (${taken.join(", ")})`;
  return `${what} ${kind === "file" && taken.length > 1 ? "exist" : "exists"} already; --force overwrites ${taken.length > 1 ? "them" : "it"}`;
}

/** Other files of a folder that would be overwritten: a README.md of somebody's project, for example. */
async function refuseOthers(output: Output, files: readonly SideFile[]): Promise<void> {
  const taken = await existing(
    output,
    files.map(({ name }) => name),
  );
  if (taken.length > 0) throw new Error(existsSentence(output, taken));
}

async function refuseInputs({ inputs, outputs }: MergePlan, output: Output): Promise<void> {
  const identities = inputs.map(({ identity }) => identity);
  for (const { name } of outputs) {
    const path = resolve(output.directory, name);
    if (await isOneOf(path, identities)) throw new UsageError(`${path} is one of the inputs; write to another place`);
  }
}

async function run(
  plan: MergePlan,
  { output, options }: Production,
  files: readonly SideFile[],
  threads: number,
  begun: boolean,
  { signal, stderr }: CommandContext,
): Promise<Produced> {
  const began = performance.now();
  let share = 0;
  try {
    using display = showReading(`merging ${plan.digests.length} models`, stderr, options.quiet === true);
    const { runMerge } = await import("#libs/merging");
    const result = await runMerge(plan, {
      directory: output.directory,
      threads,
      fsync: options.fsync,
      force: options.force === true || begun,
      signal,
      onProgress(progress) {
        share = progress.totalBytes > 0 ? progress.readBytes / progress.totalBytes : 0;
        display.update(progress);
      },
    });
    return { ...result, key: plan.key, seconds: (performance.now() - began) / 1000 };
  } catch (error) {
    if (signal.aborted) stderr.write(`interrupted at ${Math.floor(100 * share)} %; the same command goes on from there\n`);
    else await dropSideFiles(output, plan.key, files);
    throw error;
  }
}

async function factsOf(production: Production, plan: MergePlan): Promise<MergeFacts> {
  const { request, report, parameters, configuration, weights } = production;
  const method = methodNamed(request.method)!;
  const { models, digests, base, baseDigest } = request;
  const foundation = foundationOf(models);
  return {
    method,
    models: models.map((model, i) => parentOf(model, digests[i]!, weights?.[i])),
    ...(base && baseDigest ? { base: parentOf(base, baseDigest) } : {}),
    parameters,
    ...(method.random ? { seed: plan.seed } : {}),
    arithmetic: method.name === "linear" ? arithmetics.averaging : MERGE_ARITHMETIC,
    dtype: mainDtype(plan),
    licence: licenceOf(report),
    ...(foundation === undefined ? {} : { foundation }),
    configuration: await configuration(),
  };
}

/** The type of most numbers that are written. */
function mainDtype({ tensors }: MergePlan): string {
  const counts = new Map<string, number>();
  for (const { dtype, elements } of tensors) if (isAveraged(dtype)) counts.set(dtype, (counts.get(dtype) ?? 0) + elements);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? "F32";
}

async function filesOf(facts: MergeFacts, { request, output }: Production, { index }: MergePlan): Promise<SideFile[]> {
  if (output.single !== undefined) return [{ name: recipeName(output.single), content: recipeText(facts) }];
  const models: readonly ModelFiles[] = [...(request.base ? [request.base] : []), ...request.models];
  return folderFiles(facts, basename(resolve(output.path)), models, index);
}
