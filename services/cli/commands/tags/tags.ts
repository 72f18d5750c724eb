import { allPages } from "#libs/rpc";
import { CatalogService, type Tag } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { ago, columns, short } from "../../format.ts";
import { widthOf, writeWrapped } from "../../write-wrapped.ts";
import { findNamed } from "../meant.ts";

/** `ratatouille tags list` */
export async function listTags(prefix: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const catalog = (await useTarget(context, options, "look")).channel.client(CatalogService);
  const found: Tag[] = [];
  for await (const { tags } of allPages((pageToken) => catalog.listTags({ prefix, pageSize: 500, pageToken }, { signal: context.signal })))
    found.push(...tags);
  if (options.json) context.stdout.write(`${JSON.stringify(found.map(plain))}\n`);
  else if (found.length === 0) writeWrapped(context.stdout, "No tags.\n");
  else {
    const rows = found.map(({ name, digest, taggedAtMs }) => [name, short(digest), ago(taggedAtMs)]);
    context.stdout.write(columns(["tag", "digest", "given"], rows, widthOf(context.stdout)));
  }
  return 0;
}

/** `ratatouille tags add` */
export async function addTag(name: string, artifact: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const { signal, stdout } = context;
  const catalog = (await useTarget(context, options)).channel.client(CatalogService);
  const { digest } = await findNamed(artifact, catalog, signal);
  const { tag } = await catalog.createTag({ name, digest }, { signal });
  if (options.json && tag) stdout.write(`${JSON.stringify(plain(tag))}\n`);
  else writeWrapped(stdout, `${name} is ${short(digest)}.\n`);
  return 0;
}

/** `ratatouille tags remove` */
export async function removeTag(name: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const catalog = (await useTarget(context, options)).channel.client(CatalogService);
  await catalog.deleteTag({ name }, { signal: context.signal });
  if (options.json) context.stdout.write(`${JSON.stringify({ removed: name })}\n`);
  else writeWrapped(context.stdout, `${name} is removed.\n`);
  return 0;
}

function plain({ name, digest, taggedAtMs }: Tag) {
  return { name, digest, taggedAtMs: Number(taggedAtMs) };
}
