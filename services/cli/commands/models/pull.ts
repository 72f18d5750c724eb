import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import { digestOfFile } from "#libs/files";
import { existing, existsSentence } from "#libs/model-folders";
import { type Digest, layerOf, mediaTypes, readManifest } from "#libs/recipes";
import { fetchModel, RECIPE_FILE, recipeFile, WEIGHTS_FILE } from "#libs/remote-models";
import { UsageError } from "#libs/service";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { short } from "../../format.ts";
import { requireWritableFolder } from "../../writable-output.ts";
import { findNamed } from "../meant.ts";

type PullOptions = GlobalOptions & { readonly out?: string; readonly force?: boolean };

/** `ratatouille models pull NAME`: writes a model's weights and recipe into a folder, unless they are there. */
export async function pullModel(name: string, options: PullOptions, context: CommandContext): Promise<number> {
  const { signal, stdout } = context;
  if (options.out !== undefined) await requireWritableFolder(options.out);
  const { channel } = await useTarget(context, options, "look");
  const { digest, manifest } = await findNamed(name, channel.client(CatalogService), signal);
  const read = readManifest(manifest);
  if (read.kind !== "model") throw new UsageError(`${name} is no model: it is a ${read.kind}`);
  const folder = options.out ?? join("models", short(digest));
  if (options.out === undefined) await requireWritableFolder(folder);
  const weights = layerOf(read, mediaTypes.weights).digest;
  const output = { kind: "folder", path: folder, directory: folder } as const;
  const taken = options.force ? [] : await existing(output, [WEIGHTS_FILE, RECIPE_FILE]);
  const others = await othersOf(folder, taken, { weights, recipe: recipeFile(read) }, signal);
  if (others.length > 0) throw new Error(existsSentence(output, others));
  // One that is there whole is not fetched again; one that was cut off is.
  if (taken.length < 2) await fetchModel(folder, digest, createArtifacts(channel), signal);
  if (options.json) stdout.write(`${JSON.stringify({ digest, weights, out: folder })}\n`);
  else stdout.write(`${join(folder, WEIGHTS_FILE)}\n`);
  return 0;
}

/** Those of the files that are not this model's. */
async function othersOf(
  folder: string,
  names: readonly string[],
  { weights, recipe }: { readonly weights: Digest; readonly recipe: string },
  signal: AbortSignal,
): Promise<string[]> {
  const others: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const isSame =
      name === WEIGHTS_FILE
        ? (await digestOfFile(path, { signal })) === weights
        : name === RECIPE_FILE && (await readFile(path, "utf8")) === recipe;
    if (!isSame) others.push(name);
  }
  return others;
}
