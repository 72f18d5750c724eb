import { availableParallelism } from "node:os";
import { checkModels, excludedNames, type GivenParameters, methodNamed, namesOfMethods, settleHeads } from "#libs/merging";
import { outputOf, type Reading } from "#libs/model-folders";
import { type ModelFiles, openModel, weightsDigest } from "#libs/models";
import type { Digest, Json } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import type { Dtype } from "#libs/tensors";
import { didYouMean } from "#libs/text";
import { prepareMerge } from "./prepare-merge.ts";
import { stemFor } from "./stem.ts";
import { type WrittenModel, writeModel } from "./write-model.ts";

type Value = number | boolean;

export type MergeModelsOptions = {
  /** A name of a method, or one of its aliases. "linear", with equal weights the mean, unless given. */
  readonly method?: string | undefined;
  /** The path of the model to which differences are taken. */
  readonly base?: string | undefined;
  /** One for each model, for methods with weights. */
  readonly weights?: readonly number[] | undefined;
  /** Parameters of the method by name, one value or one for each model. */
  readonly parameters?: { readonly [name: string]: Value | readonly Value[] } | undefined;
  /** Paths of the statistics of each model, for methods that need them. */
  readonly statistics?: readonly string[] | undefined;
  /** Names of tensors that the result does not have. */
  readonly exclude?: readonly string[] | undefined;
  /** F64, F32, F16 or BF16. Each tensor has the type that it has in the models unless given. */
  readonly dtype?: Dtype | undefined;
  readonly seed?: number | undefined;
  readonly maxShardBytes?: number | undefined;
  /** Merge models of different foundation models all the same. */
  readonly allowUnrelated?: boolean | undefined;
  /** As many as there are cores unless given. Never changes the bytes. */
  readonly threads?: number | undefined;
  /** Overwrites what is there. */
  readonly force?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((reading: Reading) => void) | undefined;
  /** Told what a person should know, one sentence each. */
  readonly onNote?: ((sentence: string) => void) | undefined;
};

/**
 * Merges models of this machine, as `ratatouille average` does: the weights, and with them a recipe, a card and what the folder needs. What was
 * aborted goes on when the same is asked for again; what is there is not made again.
 * @param paths safetensors files, files of PyTorch, or Hugging Face folders
 * @param out a path that ends in .safetensors, or a folder
 * @throws UsageError, ModelError and MergeError for what is wrong with the models, the method or the place; the signal's reason
 * @example
 * ```ts
 * import { readFile, writeFile } from "node:fs/promises";
 * import { loadFloat32, saveFloat32 } from "#libs/tensors";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const save = (name, ...w) => writeFile(directory.join(name), saveFloat32(new Map([["w", { shape: [2], data: Float32Array.from(w) }]])));
 * await save("a.safetensors", 1, 2);
 * await save("b.safetensors", 3, 8);
 * const soup = directory.join("soup.safetensors");
 * await mergeModels(["a", "b"].map((name) => directory.join(`${name}.safetensors`)), soup);
 * loadFloat32(await readFile(soup)).get("w")?.data; // Float32Array.of(2, 5)
 * ```
 */
export async function mergeModels(paths: readonly string[], out: string, options: MergeModelsOptions = {}): Promise<WrittenModel> {
  const { method: name = "linear", allowUnrelated = false, dtype, seed, maxShardBytes, onNote = () => undefined } = options;
  const { signal = new AbortController().signal, threads = availableParallelism() } = options;
  const method = methodNamed(name);
  if (method === undefined) throw new UsageError(`there is no method ${name}; ${didYouMean(name, namesOfMethods(), "methods has all")}`);
  const output = await outputOf(out);
  const given = givenBy(options, paths.length);
  const open = (path: string) => openModel(path);
  const opened = await Promise.all([...paths, ...(options.base === undefined ? [] : [options.base])].map(open));
  for (const note of opened.flatMap(({ notes = [] }) => notes)) onNote(note);
  const statistics = await Promise.all((options.statistics ?? []).map(open));
  const exclude = excludedNames(options.exclude ?? [], opened);
  const { models: settled, ...heads } = await settleHeads(opened, exclude);
  const [models, base] = [settled.slice(0, paths.length), settled[paths.length]];
  const report = await checkModels(models, { base, exclude, allowUnrelated, mixedTypes: dtype !== undefined, heads, signal });
  const errors = report.findings.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new UsageError(`these models cannot be averaged: ${errors.map(({ sentence }) => sentence).join("; ")}`);
  for (const note of [...(heads.notes ?? []), ...report.findings.filter(({ severity }) => severity === "warning").map((w) => w.sentence)])
    onNote(note);
  const digestsOf = async (some: readonly ModelFiles[]) => {
    const digests: Digest[] = [];
    for (const model of some) digests.push(await weightsDigest(model, { signal }));
    return digests;
  };
  const digests = await digestsOf(models);
  const [baseDigest] = await digestsOf(base === undefined ? [] : [base]);
  const merge = prepareMerge({
    ...{ method: method.name, models, digests, exclude, parametersOf: () => given },
    ...(base && baseDigest ? { base, baseDigest } : {}),
    ...(statistics.length > 0 ? { statistics, statisticsDigests: await digestsOf(statistics) } : {}),
    ...(dtype === undefined ? {} : { dtype }),
    ...(seed === undefined ? {} : { seed }),
    ...(maxShardBytes === undefined ? {} : { maxShardBytes }),
    ...(output.single === undefined ? stemFor(base ? [base, ...models] : models) : { single: output.single }),
  });
  const model = { merge, method, models, digests, base, baseDigest, output, report, tied: heads.tied, weights: options.weights };
  const how = { threads, fsync: true, force: options.force === true, signal, onNote, onProgress: options.onProgress ?? (() => undefined) };
  return writeModel({ ...model, parameters: parametersOf(method.name, [...exclude], options) }, how);
}

/** @throws UsageError where there are not as many values as models */
function givenBy({ weights, parameters = {} }: MergeModelsOptions, count: number): GivenParameters {
  const all = Object.entries({ ...parameters, ...(weights === undefined ? {} : { weight: weights }) });
  const isList = (value: Value | readonly Value[]): value is readonly Value[] => Array.isArray(value);
  const each = all.flatMap(([name, value]) => (isList(value) ? [[name, value] as const] : []));
  for (const [name, { length }] of each) if (length !== count) throw new UsageError(`${name} has ${length} values, for ${count} models`);
  const merge = Object.fromEntries(all.flatMap(([name, value]) => (isList(value) ? [] : [[name, value] as const])));
  const models = Array.from({ length: count }, (_, i) => Object.fromEntries(each.map(([name, values]) => [name, values[i]!])));
  return { merge, ...(each.length > 0 ? { models } : {}) };
}

/** What was asked for, in the words of a recipe. */
function parametersOf(method: string, exclude: readonly string[], { weights, parameters, dtype }: MergeModelsOptions) {
  const asked: { [name: string]: Json } = { method };
  if (weights !== undefined) asked["weights"] = [...weights];
  if (parameters !== undefined && Object.keys(parameters).length > 0) asked["parameters"] = parameters as { [name: string]: Json };
  if (exclude.length > 0) asked["exclude"] = [...exclude].sort();
  if (dtype !== undefined) asked["dtype"] = dtype;
  return asked;
}
