import { join } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import { readManifest } from "#libs/recipes";
import { allPages, type RpcChannel, type ServiceClient } from "#libs/rpc";
import { counted, plural } from "#libs/text";
import { type Artifact, ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { bytes, columns, short } from "../../format.ts";
import { writeModel } from "../../write-output.ts";
import { factLines, widthOf, writeWrapped } from "../../write-wrapped.ts";
import { findNamed } from "../meant.ts";

type Catalog = ServiceClient<typeof CatalogService>;

/** `ratatouille models list`: models, newest first, with the refs that point to them. */
export async function listModels(options: GlobalOptions & { readonly all?: boolean }, context: CommandContext): Promise<number> {
  const { channel } = await useTarget(context, options, "look");
  const catalog = channel.client(CatalogService);
  const refs = await refsByDigest(catalog, context.signal);
  const models = await allModels(catalog, context.signal);
  const shown = options.all ? models : models.filter(({ digest }) => refs.has(digest));
  const rows = shown.map((model) => {
    const { recipe } = readManifest(model.manifest);
    return {
      digest: model.digest,
      kind: recipe.kind,
      refs: refs.get(model.digest) ?? [],
      sizeBytes: Number(model.sizeBytes),
      damaged: model.damaged,
    };
  });
  if (options.json) context.stdout.write(`${JSON.stringify(rows)}\n`);
  else if (rows.length === 0)
    writeWrapped(context.stdout, models.length === 0 ? "No models yet.\n" : `No model has a name; --all lists all ${models.length}.\n`);
  else {
    const text = rows.map((row) => [short(row.digest), row.kind, bytes(row.sizeBytes), row.refs.join(", "), row.damaged ? "damaged" : ""]);
    context.stdout.write(columns(["digest", "made by", "size", "names", ""], text, widthOf(context.stdout)));
    const nameless = models.length - shown.length;
    if (!options.all && models.length > shown.length)
      writeWrapped(
        context.stdout,
        `\n${counted(nameless, "model")} ${plural(nameless, "has", "have")} no name; --all lists ${plural(nameless, "it", "them")} too.\n`,
      );
  }
  return 0;
}

async function allModels(catalog: Catalog, signal: AbortSignal): Promise<Artifact[]> {
  const models: Artifact[] = [];
  const list = (pageToken: string) => catalog.listArtifacts({ kind: ArtifactKind.MODEL, pageSize: 500, pageToken }, { signal });
  for await (const { artifacts } of allPages(list)) models.push(...artifacts);
  return models;
}

/** The refs of a catalog, by the artifact that they point to. */
export async function refsByDigest(catalog: Catalog, signal: AbortSignal): Promise<Map<string, string[]>> {
  const refs = new Map<string, string[]>();
  for await (const page of allPages((pageToken) => catalog.listRefs({ pageSize: 500, pageToken }, { signal })))
    for (const { name, digest } of page.refs) refs.set(digest, [...(refs.get(digest) ?? []), name]);
  return refs;
}

/** `ratatouille models show NAME`: what a model is and how it was made. */
export async function showModel(name: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const { channel } = await useTarget(context, options, "look");
  const artifact = await findNamed(name, channel.client(CatalogService), context.signal);
  const { kind, recipe, recipeKey, layers, summary, licences } = readManifest(artifact.manifest);
  const facts = { digest: artifact.digest, kind, damaged: artifact.damaged, recipeKey, licences, summary, layers, recipe };
  if (options.json) context.stdout.write(`${JSON.stringify(facts)}\n`);
  else {
    const lines: readonly [string, string][] = [
      ["digest", artifact.digest],
      ["kind", artifact.damaged ? `${kind}, damaged: running its recipe again repairs it` : kind],
      ["made by", recipe.kind],
      ["licence", licences.join(" AND ") || "none stated"],
      ["size", bytes(Number(artifact.sizeBytes))],
      ...Object.entries(summary).map(([key, value]) => [key, String(value)] as [string, string]),
    ];
    context.stdout.write(`${factLines(context.stdout, lines)}recipe\n${JSON.stringify(recipe, null, 2)}\n`);
  }
  return 0;
}

/** `ratatouille models pull NAME`: writes a model's weights and recipe into a folder. */
export async function pullModel(
  name: string,
  options: GlobalOptions & { readonly out?: string },
  context: CommandContext,
): Promise<number> {
  const { channel }: { channel: RpcChannel } = await useTarget(context, options, "look");
  const { digest } = await findNamed(name, channel.client(CatalogService), context.signal);
  const folder = options.out ?? join("models", short(digest));
  const weights = await writeModel(folder, digest, createArtifacts(channel), context.signal);
  if (options.json) context.stdout.write(`${JSON.stringify({ digest, weights, out: folder })}\n`);
  else context.stdout.write(`${join(folder, "model.safetensors")}\n`);
  return 0;
}
