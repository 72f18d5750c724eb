import { isName } from "#libs/artifacts";
import { readManifest } from "#libs/recipes";
import { allPages, type ServiceClient } from "#libs/rpc";
import { counted, plural } from "#libs/text";
import { type Artifact, ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { ago, bytes, columns, short } from "../../format.ts";
import { factLines, widthOf, writeWrapped } from "../../write-wrapped.ts";
import { findNamed } from "../meant.ts";
import { type Accuracy, accuraciesOf } from "./accuracy.ts";

/** Where the numbers of that column are from: choices are made by them, so they are what models of different runs have in common. */
const ACCURACY_NOTE = "Accuracy is that on validation data; models show has that on the held-out domain too.";

type Catalog = ServiceClient<typeof CatalogService>;

type ListOptions = GlobalOptions & { readonly all?: boolean; readonly filter?: string; readonly sort?: string };

/** `ratatouille models list`: models, newest first, with the refs that point to them. */
export async function listModels(options: ListOptions, context: CommandContext): Promise<number> {
  const { channel } = await useTarget(context, options, "look");
  const catalog = channel.client(CatalogService);
  const refs = await refsByDigest(catalog, context.signal);
  const models = await allModels(catalog, options, context.signal);
  const shown = options.all || options.filter !== undefined ? models : models.filter(({ digest }) => refs.has(digest));
  const accuracies = await accuraciesOf(shown, channel, context.signal);
  const rows = shown.map((model) => {
    const { recipe } = readManifest(model.manifest);
    return {
      digest: model.digest,
      kind: recipe.kind,
      refs: refs.get(model.digest) ?? [],
      sizeBytes: Number(model.sizeBytes),
      publishedAtMs: Number(model.publishedAtMs),
      accuracy: accuracies.get(model.digest) ?? {},
      damaged: model.damaged,
      stale: model.stale,
    };
  });
  if (options.json) context.stdout.write(`${JSON.stringify(rows)}\n`);
  else if (rows.length === 0)
    writeWrapped(
      context.stdout,
      options.filter !== undefined
        ? "No model is so.\n"
        : models.length === 0
          ? "No models yet.\n"
          : `No model has a name; --all lists all ${models.length}.\n`,
    );
  else {
    const text = rows.map(({ digest, kind, sizeBytes, publishedAtMs, accuracy, refs, damaged, stale }) => [
      ...[short(digest), kind, bytes(sizeBytes), ago(BigInt(publishedAtMs)), percent(accuracy.validation)],
      ...[refs.join(", "), damaged ? "damaged" : stale ? "stale" : ""],
    ]);
    context.stdout.write(columns(["digest", "made by", "size", "made", "accuracy", "names", ""], text, widthOf(context.stdout)));
    const nameless = models.length - shown.length;
    const notes = [
      ...(rows.some(({ accuracy }) => accuracy.validation !== undefined) ? [ACCURACY_NOTE] : []),
      ...(nameless > 0
        ? [`${counted(nameless, "model")} ${plural(nameless, "has", "have")} no name; --all lists ${plural(nameless, "it", "them")} too.`]
        : []),
    ];
    if (notes.length > 0) writeWrapped(context.stdout, `\n${notes.join("\n")}\n`);
  }
  return 0;
}

function percent(share: number | undefined): string {
  return share === undefined ? "" : `${(100 * share).toFixed(1)} %`;
}

function accuracyText({ validation, heldOut }: Accuracy): string {
  const parts = [
    ...(validation === undefined ? [] : [`${percent(validation)} on validation data`]),
    ...(heldOut === undefined ? [] : [`${percent(heldOut)} on the held-out domain`]),
  ];
  return parts.join(", ");
}

async function allModels(catalog: Catalog, { filter, sort }: ListOptions, signal: AbortSignal): Promise<Artifact[]> {
  const models: Artifact[] = [];
  const list = (pageToken: string) =>
    catalog.listArtifacts({ kind: ArtifactKind.MODEL, pageSize: 500, pageToken, filter: filter ?? "", orderBy: sort ?? "" }, { signal });
  for await (const { artifacts } of allPages(list)) models.push(...artifacts);
  return models;
}

/** The refs of a catalog, by the artifact that they point to. */
export async function refsByDigest(catalog: Catalog, signal: AbortSignal): Promise<Map<string, string[]>> {
  const refs = new Map<string, string[]>();
  for await (const page of allPages((pageToken) => catalog.listRefs({ pageSize: 500, pageToken }, { signal })))
    for (const { name, digest } of page.refs) if (isName(name)) refs.set(digest, [...(refs.get(digest) ?? []), name]);
  return refs;
}

const STALE = ", stale: something that it was made of is damaged, and its recipe has made another one since";

/** `ratatouille models show NAME`: what a model is and how it was made. */
export async function showModel(name: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const { channel } = await useTarget(context, options, "look");
  const artifact = await findNamed(name, channel.client(CatalogService), context.signal);
  const { kind, recipe, recipeKey, layers, summary, licences } = readManifest(artifact.manifest);
  const accuracy = (await accuraciesOf([artifact], channel, context.signal)).get(artifact.digest) ?? {};
  const { digest, damaged, stale, publishedAtMs } = artifact;
  const state = { damaged, stale };
  const facts = { digest, kind, ...state, publishedAtMs: Number(publishedAtMs), recipeKey, licences, summary, accuracy, layers, recipe };
  if (options.json) context.stdout.write(`${JSON.stringify(facts)}\n`);
  else {
    const lines: readonly [string, string][] = [
      ["digest", artifact.digest],
      ["kind", `${kind}${damaged ? ", damaged: running its recipe again repairs it" : stale ? STALE : ""}`],
      ["made by", recipe.kind],
      ["licence", licences.join(" AND ") || "none stated"],
      ["size", bytes(Number(artifact.sizeBytes))],
      ["made", ago(artifact.publishedAtMs)],
      ["accuracy", accuracyText(accuracy)],
      ...Object.entries(summary)
        .filter(([key]) => key !== "validationAccuracy")
        .map(([key, value]) => [key, String(value)] as [string, string]),
    ];
    context.stdout.write(`${factLines(context.stdout, lines)}recipe\n${JSON.stringify(recipe, null, 2)}\n`);
  }
  return 0;
}
