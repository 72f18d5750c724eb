import { basename, resolve } from "node:path";
import type { CompatibilityReport, Method } from "#libs/merging";
import {
  dropSideFiles,
  existing,
  existsSentence,
  isOneOf,
  lockOutput,
  type Output,
  pathIn,
  publishSideFiles,
  type Reading,
  rememberDigests,
  rememberMade,
  removeOtherWeights,
  type SideFile,
  stageSideFiles,
  wasBegun,
  whatWasMade,
} from "#libs/model-folders";
import { indexNameOf, type LayerOf, type ModelFiles, recipeName } from "#libs/models";
import type { Digest, Json } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import { folderFiles } from "./folder-files.ts";
import { foundationOf, licenceOf, type MergeFacts, parentOf, recipeText } from "./merge-facts.ts";
import type { MergeOutcome, MergeRunOptions, PreparedMerge } from "./prepared-merge.ts";

/** A model to be made, and what is said of it. */
export type ModelToWrite = {
  readonly merge: PreparedMerge;
  readonly method: Pick<Method, "name" | "title" | "formula" | "paper">;
  readonly models: readonly ModelFiles[];
  /** The weights' digest of each model. */
  readonly digests: readonly Digest[];
  readonly base?: ModelFiles | undefined;
  readonly baseDigest?: Digest | undefined;
  readonly output: Output;
  /** Where `digests` are provisional: what they are, and the key of the merge with them. Asked for when the weights are written. */
  readonly settle?: (() => Promise<Settled>) | undefined;
  /** What the check of the models has said. */
  readonly report: CompatibilityReport;
  /** What was asked for, for the recipe. */
  readonly parameters: { readonly [name: string]: Json };
  /** Of the models, in their order, where they have weights: for the model card. */
  readonly weights?: readonly number[] | undefined;
  /** The same as a configuration for `ratatouille merge`, as YAML. */
  readonly configuration?: (() => string | Promise<string>) | undefined;
  /** The model that config.json and what belongs to it are copied from; by default the base, or the first that is a folder. */
  readonly donor?: ModelFiles;
  /** Whether the head of the result is its embedding, where that is not as it was. */
  readonly tied?: boolean | undefined;
  /** Which layer of which model each layer of the result is from, where layers were stacked. */
  readonly layers?: readonly LayerOf[] | undefined;
  /** Changes the files that go beside the weights of a folder. */
  readonly adjust?: (files: readonly SideFile[]) => Promise<SideFile[]>;
};

/** What is known when all models have been read. */
export type Settled = Pick<ModelToWrite, "digests" | "baseDigest"> & { readonly key: string };

export type WriteModelOptions = {
  readonly threads: number;
  readonly fsync: boolean;
  /** Overwrites what is there. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (reading: Reading) => void;
  /** Told before the work begins, one sentence each: what is left out, whose files these are where the models have others. */
  readonly onNote?: (sentence: string) => void;
};

/** What was done, how long it took, and what the recipe and the card say. */
export type WrittenModel = MergeOutcome & {
  readonly seconds: number;
  readonly facts: MergeFacts;
  /** That of the merge, with the digests of the models. */
  readonly key: string;
  /** It was there already, whole, and nothing was done. */
  readonly existed: boolean;
};

/**
 * Makes a model: the weights, and what goes with them. What was interrupted goes on when the same is asked for again, and what this user
 * has made already is not made again.
 * @throws Error if the output is there, or another process is writing it; NotWritableError; UsageError if it is one of the inputs; what the merge throws
 */
export async function writeModel(model: ModelToWrite, options: WriteModelOptions): Promise<WrittenModel> {
  const { merge, output } = model;
  const { force, fsync } = options;
  const names = namesOf(merge, output);
  await using _lock = await lockOutput(output);
  const begun = await wasBegun(output, merge.key);
  const taken = await existing(output, names);
  if (taken.length > 0 && !force && !begun) {
    const existed = await asMade(model, options.signal);
    if (existed === undefined) throw new Error(existsSentence(output, taken));
    return existed;
  }
  await refuseInputs(merge, output);

  let facts = await factsOf(model);
  let { files, notes } = await filesOf(facts, model);
  let { key } = merge;
  for (const note of notes) options.onNote?.(note);
  if (!begun && !force) await refuseOthers(output, files);
  const { settle } = model;
  if (settle === undefined) await stageSideFiles(output, merge.key, files);
  // They are staged before the weights get their names, whenever the digests are known.
  const settleAll = async () => {
    if (settle === undefined) return;
    const settled = await settle();
    key = settled.key;
    facts = await factsOf({ ...model, ...settled });
    ({ files, notes } = await filesOf(facts, model));
    await stageSideFiles(output, merge.key, files);
  };
  const drop = () => dropSideFiles(output, merge.key, files);
  const result = await run(model, drop, begun, { ...options, beforePublish: settleAll });
  rememberMade(key, result.files);
  await publishSideFiles(output, merge.key, files, fsync);
  await removeOtherWeights(output, names);
  await rememberDigests(result.files, output);
  return { ...result, facts, key, existed: false };
}

/**
 * What is there already, where it is just what is asked for: a command that was finished, and killed before it could say so. Of models whose
 * digests are not known yet nothing was made.
 */
async function asMade(model: ModelToWrite, signal: AbortSignal): Promise<WrittenModel | undefined> {
  const { merge, output, settle } = model;
  if (settle !== undefined) return undefined;
  const facts = await factsOf(model);
  const { files } = await filesOf(facts, model);
  const config = merge.config === undefined ? [] : [{ name: "adapter_config.json", content: merge.config }];
  for (const name of merge.beside ?? []) if ((await existing(output, [name])).length === 0) return undefined;
  const weights = merge.outputs.map(({ name }) => name);
  const made = await whatWasMade(output, { key: merge.key, weights, beside: [...files, ...config] }, signal);
  return made && { files: made, readBytes: 0, resumed: false, redone: 0, seconds: 0, facts, key: merge.key, existed: true };
}

/** The weights of an output, and what says where they are. */
function namesOf({ outputs, beside = [], index, config }: PreparedMerge, output: Output): string[] {
  return [
    ...outputs.map(({ name }) => name),
    ...beside,
    ...(index === undefined ? [] : [indexNameOf(outputs[0]!.name)]),
    ...(config === undefined ? [] : ["adapter_config.json"]),
    ...(output.single ? [recipeName(output.single)] : []),
  ];
}

/** Other files of a folder that would be overwritten: a README.md of somebody's project, for example. */
async function refuseOthers(output: Output, files: readonly SideFile[]): Promise<void> {
  const taken = await existing(
    output,
    files.map(({ name }) => name),
  );
  if (taken.length > 0) throw new Error(existsSentence(output, taken));
}

async function refuseInputs({ inputs, outputs }: PreparedMerge, output: Output): Promise<void> {
  const identities = inputs.map(({ identity }) => identity);
  for (const { name } of outputs) {
    const path = pathIn(output, name);
    if (await isOneOf(path, identities)) throw new UsageError(`${path} is one of the inputs; write to another place`);
  }
}

type RunOptions = WriteModelOptions & Pick<MergeRunOptions, "beforePublish">;

async function run({ merge, output }: ModelToWrite, drop: () => Promise<void>, begun: boolean, options: RunOptions) {
  const began = performance.now();
  try {
    const outcome = await merge.run({ ...options, directory: output.directory, force: options.force || begun });
    return { ...outcome, seconds: (performance.now() - began) / 1000 };
  } catch (error) {
    // Files of the same name and content belong to the other process that is making the same.
    const busy = (error as { readonly kind?: string }).kind === "busy";
    if (!busy && !(options.signal.aborted && merge.resumes)) await drop();
    throw error;
  }
}

async function factsOf(model: ModelToWrite): Promise<MergeFacts> {
  const { merge, method, models, digests, base, baseDigest, report, parameters, configuration, weights, output } = model;
  const foundation = foundationOf(models);
  return {
    method,
    models: models.map((one, i) => parentOf(one, digests[i]!, weights?.[i])),
    ...(base && baseDigest ? { base: parentOf(base, baseDigest) } : {}),
    parameters,
    ...(merge.seed === undefined ? {} : { seed: merge.seed }),
    arithmetic: merge.arithmetic,
    dtype: merge.dtype,
    licence: licenceOf(report, base ? [...models, base] : models),
    ...(foundation === undefined ? {} : { foundation }),
    // Of a folder's card alone.
    configuration: output.single === undefined ? await configuration?.() : undefined,
  };
}

async function filesOf(
  facts: MergeFacts,
  { merge, models, base, output, donor, adjust, tied, layers }: ModelToWrite,
): Promise<{ readonly files: readonly SideFile[]; readonly notes: readonly string[] }> {
  if (output.single !== undefined) return { files: [{ name: recipeName(output.single), content: recipeText(facts) }], notes: [] };
  const sources = [...(donor ? [donor] : []), ...(base ? [base] : []), ...models];
  const isAdapter = merge.outputs[0]?.name === "adapter_model.safetensors";
  const index = merge.index === undefined ? undefined : { name: indexNameOf(merge.outputs[0]!.name), content: merge.index };
  const { files, notes } = await folderFiles(facts, {
    name: basename(resolve(output.path)),
    sources,
    index,
    isAdapter,
    tied: tied ?? merge.tied,
    layers,
  });
  // Where factors are merged apart, the ranks are those of every member.
  const config = isAdapter && merge.config === undefined ? models[0]?.configText : undefined;
  if (config !== undefined) return { files: [{ name: "adapter_config.json", content: config }, ...files], notes };
  return { files: adjust === undefined ? files : await adjust(files), notes };
}
