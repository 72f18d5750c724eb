import { readFile } from "node:fs/promises";
import { checkModels, methodNamed } from "#libs/merging";
import {
  type MergekitConfig,
  MergekitError,
  type MergekitRequest,
  parseMergekit,
  recipeOfMergekit,
  requestOfMergekit,
  tokenizerDonor,
} from "#libs/merging/mergekit";
import { UsageError } from "#libs/service/process";
import type { CommandContext } from "../context.ts";
import { requireCompatible } from "./compatible.ts";
import type { MergeOptions } from "./merge-command.ts";
import { filesBeside } from "./merge-files.ts";
import { openNamed } from "./merge-models.ts";
import { mergeWork } from "./merge-work.ts";
import { outputOf } from "./output.ts";
import { produce } from "./produce.ts";

/** Merges models as a mergekit configuration says. */
export async function merge(path: string, options: MergeOptions, context: CommandContext): Promise<number> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === "ENOENT" ? "it does not exist" : cause.code === "EISDIR" ? "it is a folder" : cause.message;
    throw new UsageError(`cannot read the configuration ${path}: ${why}`, { cause });
  });
  const config = usage(() => parseMergekit(text, path));
  const output = await outputOf(options.out);
  await using opened = await openNamed(config, options, output, context);
  const made = await usageLater(requestOfMergekit(config, async ({ text: name }) => opened.models.get(name)!));
  const tokenizer = await usageLater(tokenizerDonor(config, made.models, made.donor));
  for (const note of made.notes) if (!options.quiet) context.stderr.write(`note: ${note}\n`);

  const dtype = options.dtype ?? made.request.dtype;
  const seed = options.seed ?? made.request.seed;
  const { models, digests, base, baseDigest } = made.request;
  const report = await checked(config, made, { ...options, mixedTypes: dtype !== undefined }, context);
  const work = mergeWork({
    ...made.request,
    ...(dtype === undefined ? {} : { dtype }),
    ...(seed === undefined ? {} : { seed }),
    ...(output.single === undefined ? { maxShardBytes: options.maxShardSize } : { single: output.single }),
  });
  // Awaited here: what adapters made of models goes when this returns.
  return await produce(
    {
      ...{ work, method: methodNamed(made.request.method)!, models, digests, base, baseDigest, output, options, report },
      parameters: recipeOfMergekit({ ...config, ...(dtype === undefined ? {} : { dtype }) }, (name) => opened.models.get(name)!.digest),
      configuration: () => text,
      donor: made.donor,
      adjust: (files) => filesBeside(files, { config, donor: made.donor, tokenizer, layers: made.layers }),
    },
    context,
  );
}

/** Layers that are stacked come from models that need not fit as a whole: planning compares what is merged, tensor by tensor. */
async function checked(
  { kind }: MergekitConfig,
  { request: { models, base } }: MergekitRequest,
  options: { readonly allowUnrelated?: boolean; readonly mixedTypes: boolean },
  context: CommandContext,
) {
  if (kind === "models") return requireCompatible(models, { base, ...options }, context);
  return checkModels(models, { allowUnrelated: true, mixedTypes: true, full: false, signal: context.signal });
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
