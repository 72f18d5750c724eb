import { UsageError } from "#libs/service";
import { quote } from "#libs/text";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { factLines, writeWrapped } from "../../write-wrapped.ts";
import { findNamed } from "../meant.ts";

/** `ratatouille annotate NAME [name=value...]` */
export async function annotate(
  name: string,
  notes: readonly string[],
  options: GlobalOptions & { readonly remove?: readonly string[] },
  context: CommandContext,
): Promise<number> {
  const { signal, stdout } = context;
  const set = Object.fromEntries(notes.map(parseNote));
  const remove = [...(options.remove ?? [])];
  const changes = notes.length + remove.length > 0;
  const catalog = (await useTarget(context, options, changes ? "change" : "look")).channel.client(CatalogService);
  const found = await findNamed(name, catalog, signal);
  const { annotations } = changes ? (await catalog.annotateArtifact({ digest: found.digest, set, remove }, { signal })).artifact! : found;
  if (options.json) stdout.write(`${JSON.stringify(annotations)}\n`);
  else if (Object.keys(annotations).length === 0) writeWrapped(stdout, "Nothing is noted of it.\n");
  else stdout.write(factLines(stdout, Object.entries(annotations).sort()));
  return 0;
}

function parseNote(text: string): [name: string, value: string] {
  const end = text.indexOf("=");
  if (end < 1 || end === text.length - 1) throw new UsageError(`expected name=value, got ${quote(text)}`);
  return [text.slice(0, end), text.slice(end + 1)];
}
