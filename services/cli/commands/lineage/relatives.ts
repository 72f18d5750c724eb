import { isName } from "#libs/artifacts";
import { allPages, type ServiceClient } from "#libs/rpc";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import { CatalogService, LineageDirection, LineageFormat } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, useTarget } from "../../context.ts";
import { columns, short } from "../../format.ts";
import { widthOf, writeWrapped } from "../../write-wrapped.ts";
import { findNamed } from "../meant.ts";
import { describe } from "./entry.ts";
import type { LineageOptions } from "./options.ts";

/** `ratatouille lineage NAME` with --descendants, --members, --common-with or --format. */
export async function relatives(name: string, options: LineageOptions, context: CommandContext): Promise<number> {
  const { signal, stdout } = context;
  const catalog = (await useTarget(context, options, "look")).channel.client(CatalogService);
  const { digest } = await findNamed(name, catalog, signal);
  if (options.format !== undefined) {
    const format = options.format === "prov" ? LineageFormat.PROV : LineageFormat.CYCLONEDX;
    for await (const { chunk } of catalog.exportLineage({ artifact: digest, format }, { signal, timeoutMs: 0 })) stdout.write(chunk);
    return 0;
  }
  const found =
    options.commonWith === undefined
      ? await descendants(catalog, digest, options, signal)
      : await common(catalog, digest, options.commonWith, signal);
  const nodes = found.map((artifact) => describe(artifact, artifact.names.filter(isName)));
  if (options.json) stdout.write(`${JSON.stringify(nodes)}\n`);
  else if (nodes.length === 0)
    writeWrapped(stdout, options.commonWith === undefined ? "Nothing was made of it.\n" : "They have nothing in common.\n");
  else {
    const rows = nodes.map(({ digest, kind, detail, names, state }) => [short(digest), kind, detail, names.join(", "), state]);
    stdout.write(columns(["digest", "made by", "how", "names", ""], rows, widthOf(stdout)));
  }
  return 0;
}

type Catalog = ServiceClient<typeof CatalogService>;

/** All that was made of an artifact, oldest first, without itself. */
async function descendants(
  catalog: Catalog,
  digest: string,
  { members = false }: LineageOptions,
  signal: AbortSignal,
): Promise<Artifact[]> {
  const found: Artifact[] = [];
  const walk = { digest, direction: LineageDirection.DESCENDANTS, membersOnly: members, pageSize: 500 };
  for await (const { artifacts } of allPages((pageToken) => catalog.getLineage({ ...walk, pageToken }, { signal })))
    found.push(...artifacts);
  return found.filter((artifact) => artifact.digest !== digest);
}

async function common(catalog: Catalog, digest: string, other: string, signal: AbortSignal): Promise<Artifact[]> {
  const digests = [digest, (await findNamed(other, catalog, signal)).digest];
  return (await catalog.findCommonAncestors({ digests }, { signal })).artifacts;
}
