import { allPages } from "#libs/rpc";
import { UsageError } from "#libs/service";
import { CatalogService, type StorageUsage } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { bytes, columns } from "../../format.ts";
import { widthOf, writeWrapped } from "../../write-wrapped.ts";

/** `ratatouille usage [PREFIX]` */
export async function usage(
  prefix: string | undefined,
  options: GlobalOptions & { readonly annotation?: string },
  context: CommandContext,
): Promise<number> {
  const { annotation } = options;
  if (annotation !== undefined && prefix !== undefined) throw new UsageError("a beginning of names and --annotation exclude each other");
  const catalog = (await useTarget(context, options, "look")).channel.client(CatalogService);
  const group =
    annotation === undefined ? ({ case: "refPrefix", value: prefix ?? "" } as const) : ({ case: "annotation", value: annotation } as const);
  const found: StorageUsage[] = [];
  let storedBytes = 0n;
  for await (const page of allPages((pageToken) =>
    catalog.getStorageUsage({ group, pageSize: 500, pageToken }, { signal: context.signal }),
  )) {
    found.push(...page.usages);
    storedBytes = page.storedBytes;
  }
  const usages = found.map(({ name, artifacts, bytes }) => ({ name, artifacts: Number(artifacts), bytes: Number(bytes) }));
  if (options.json) context.stdout.write(`${JSON.stringify({ usages, storedBytes: Number(storedBytes) })}\n`);
  else {
    const rows = usages.map(({ name, artifacts, bytes: size }) => [name, String(artifacts), bytes(size)]);
    if (rows.length > 0) context.stdout.write(`${columns([annotation ?? "name", "artifacts", "size"], rows, widthOf(context.stdout))}\n`);
    writeWrapped(context.stdout, `All artifacts together have ${bytes(Number(storedBytes))}.\n`);
  }
  return 0;
}
