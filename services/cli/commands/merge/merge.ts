import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { prepareMerge, stemFor } from "#libs/merged-models";
import { mergekitFiles } from "#libs/merged-models/mergekit";
import { excludedNames, type Finding, methodNamed, startMergeThreads } from "#libs/merging";
import {
  type MergekitConfig,
  MergekitError,
  type MergekitRequest,
  parseMergekit,
  recipeOfMergekit,
  requestOfMergekit,
  tokenizerDonor,
} from "#libs/merging/mergekit";
import { type Output, outputOf, refuseExisting } from "#libs/model-folders";
import { LAYER_COUNTS } from "#libs/models";
import { canonicalJson, type Json } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import type { CommandContext } from "../../context.ts";
import { type CompatibleOptions, requireCompatible } from "../../models/compatible.ts";
import { settledHeads } from "../../models/settled-heads.ts";
import { writeMerged } from "../../models/write-merged.ts";
import { writeWrapped } from "../../write-wrapped.ts";
import { openNamed } from "./named-models.ts";
import type { MergeOptions } from "./options.ts";

/** Merges models as a mergekit configuration says; where it has several merges, one after another. */
export async function merge(path: string, options: MergeOptions, context: CommandContext): Promise<number> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === "ENOENT" ? "it does not exist" : cause.code === "EISDIR" ? "it is a folder" : cause.message;
    throw new UsageError(`cannot read the configuration ${path}: ${why}`, { cause });
  });
  const configs = usage(() => parseMergekit(text, path));
  const result = await outputOf(options.out);
  const { intermediateDir } = options;
  if (configs.length > 1 && intermediateDir === undefined)
    throw new UsageError(`${path} has ${configs.length} merges: say with --intermediate-dir where those go that the last one is made of`);
  if (configs.length > 1 && options.dryRun)
    throw new UsageError(
      `--dry-run: ${path} has ${configs.length} merges, and what the first ones make is not there yet; put each into a file`,
    );
  const places = new Map<string, string>();
  for (const config of configs) {
    const directory = config.name && join(intermediateDir!, config.name.text);
    const output: Output = directory === undefined ? result : { kind: "folder", path: directory, directory };
    const code = await mergeOne(config, places, options, output, context);
    if (code !== 0) return code;
    if (config.name !== undefined) places.set(config.name.text, output.path);
  }
  return 0;
}

/** @param places folders of merges of the same file, by name. */
async function mergeOne(
  config: MergekitConfig,
  places: ReadonlyMap<string, string>,
  options: MergeOptions,
  output: Output,
  context: CommandContext,
): Promise<number> {
  // What is made on the way to another result may be there: it is known by its recipe.
  if (config.name === undefined) await refuseExisting(output, options, (recipe) => recipe.method === config.method.name);
  await using opened = await openNamed(config, places, options, output, context);
  const all = [...opened.models.values()].map(({ model }) => model);
  // They load while all is checked and planned.
  const bytes = all.flatMap(({ files }) => files).reduce((sum, { size }) => sum + size, 0);
  using _ahead = startMergeThreads(options.dryRun ? 0 : bytes, options.threads);
  const exclude = excludedNames(options.exclude ?? [], all);
  const { models: settled, heads } = await settledHeads(all, undefined, exclude);
  const named = new Map([...opened.models].map(([name, { digest }], i) => [name, { model: settled[i]!, digest }]));
  const made = await usageLater(requestOfMergekit(config, async ({ text: name }) => named.get(name)!));
  const tokenizer = await usageLater(tokenizerDonor(config, made.models, made.donor));
  if (!options.quiet) for (const note of made.notes) writeWrapped(context.stderr, `note: ${note}\n`);

  const dtype = options.dtype ?? made.request.dtype;
  const seed = options.seed ?? made.request.seed;
  const { models, digests, base, baseDigest } = made.request;
  const parameters = {
    ...recipeOfMergekit({ ...config, ...(dtype === undefined ? {} : { dtype }) }, (name) => opened.models.get(name)!.digest),
    ...(exclude.size > 0 ? { exclude: [...exclude].sort() } : {}),
  };
  const report = await checked(config, made, { ...options, exclude, heads, mixedTypes: dtype !== undefined }, context);
  const stem = stemFor([made.donor, ...models]);
  const merge = prepareMerge({
    ...made.request,
    exclude,
    ...(made.request.tensors === undefined ? {} : { tensors: made.request.tensors.filter(({ name }) => !exclude.has(name)) }),
    ...(dtype === undefined ? {} : { dtype }),
    ...(seed === undefined ? {} : { seed }),
    ...(output.single === undefined ? { maxShardBytes: options.maxShardSize, ...stem } : { single: output.single }),
  });
  if (config.name !== undefined && (await isMade(output.directory, parameters, merge.seed))) return 0;
  // Awaited here: what adapters made of models goes when this returns.
  return await writeMerged(
    {
      ...{ merge, method: methodNamed(made.request.method)!, models, digests, base, baseDigest, output, report, parameters },
      weights: weightsOf(made),
      configuration: () => config.text,
      donor: made.donor,
      ...{ layers: made.layers, tied: heads.tied },
      adjust: (files) => mergekitFiles(files, { config, donor: made.donor, tokenizer }),
    },
    options,
    context,
  );
}

/** The weight of each model, where it is the same for all tensors: for the model card. */
function weightsOf({ request: { models, tensors, parametersOf } }: MergekitRequest): number[] | undefined {
  if (tensors !== undefined || parametersOf === undefined) return undefined;
  const all = new Set([...models[0]!.tensors.keys()].map((name) => JSON.stringify(parametersOf(name).models?.map(({ weight }) => weight))));
  const weights: unknown = all.size === 1 ? JSON.parse([...all][0] ?? "[]") : [];
  return Array.isArray(weights) && weights.length === models.length && weights.every((weight) => typeof weight === "number")
    ? weights
    : undefined;
}

/** Whether a folder has the whole result of this merge already: its recipe names the models by digest, and comes last. */
async function isMade(directory: string, parameters: Json, seed: number | undefined): Promise<boolean> {
  const text = await readFile(join(directory, "recipe.json"), "utf8").catch(() => undefined);
  if (text === undefined) return false;
  const recipe = JSON.parse(text) as { readonly parameters?: Json; readonly seed?: number };
  return recipe.parameters !== undefined && canonicalJson(recipe.parameters) === canonicalJson(parameters) && recipe.seed === seed;
}

/** Models whose layers are stacked need not fit as a whole: planning compares what is merged, tensor by tensor. */
async function checked(
  { kind }: MergekitConfig,
  { request: { models, base } }: MergekitRequest,
  options: Pick<CompatibleOptions, "allowUnrelated" | "mixedTypes" | "exclude" | "heads">,
  context: CommandContext,
) {
  return requireCompatible(models, { base, ...options, ...(kind === "slices" ? { ignore: isOfWhole } : {}) }, context);
}

/** What models may differ in whose layers are stacked: which tensors they have, and how many layers. */
function isOfWhole({ code, sentence }: Finding): boolean {
  if (code === "architecture") return LAYER_COUNTS.some((name) => sentence.includes(` ${name} is `));
  return ["missing", "shape", "dtype", "no-average", "empty"].includes(code);
}

/** What is wrong in a configuration is wrong usage. */
function usage<T>(act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw asUsage(cause);
  }
}

async function usageLater<T>(promise: Promise<T>): Promise<T> {
  return promise.catch((cause: unknown) => {
    throw asUsage(cause);
  });
}

function asUsage(cause: unknown): unknown {
  return cause instanceof MergekitError ? new UsageError(cause.message, { cause }) : cause;
}
