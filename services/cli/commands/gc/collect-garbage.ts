import { counted } from "#libs/text";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { bytes } from "../../format.ts";
import { writeWrapped } from "../../write-wrapped.ts";

/** `ratatouille gc`: deletes artifacts and blobs that no name, no run and no other artifact needs. */
export async function collectGarbage(options: GlobalOptions & { readonly dryRun?: boolean }, context: CommandContext): Promise<number> {
  const catalog = (await useTarget(context, options, options.dryRun ? "look" : "change")).channel.client(CatalogService);
  const collected = await catalog.collectGarbage({ dryRun: options.dryRun ?? false }, { signal: context.signal });
  const { artifacts, blobs, freedBytes, youngArtifacts, youngBlobs, youngBytes } = collected;
  const young = { artifacts: youngArtifacts, blobs: youngBlobs, bytes: Number(youngBytes) };
  if (options.json) context.stdout.write(`${JSON.stringify({ artifacts, blobs, freedBytes: Number(freedBytes), young })}\n`);
  else {
    const verb = options.dryRun ? "Would delete" : "Deleted";
    writeWrapped(
      context.stdout,
      `${verb} ${counted(artifacts.length, "artifact")} and ${counted(blobs.length, "blob")}, ${bytes(Number(freedBytes))}.\n`,
    );
    if (young.artifacts + young.blobs > 0) {
      const what = `${counted(young.artifacts, "artifact")} and ${counted(young.blobs, "blob")}, ${bytes(young.bytes)}`;
      writeWrapped(context.stdout, `Nothing needs ${what} either, but they are younger than an hour: try again later.\n`);
    }
  }
  return 0;
}
