import { counted } from "#libs/text";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../context.ts";
import { bytes } from "../format.ts";
import { say } from "../say.ts";

/** `ratatouille gc`: deletes artifacts and blobs that no name, no run and no other artifact needs. */
export async function collectGarbage(options: GlobalOptions & { readonly dryRun?: boolean }, context: CommandContext): Promise<number> {
  const catalog = (await useTarget(context, options)).channel.client(CatalogService);
  const { artifacts, blobs, freedBytes } = await catalog.collectGarbage({ dryRun: options.dryRun ?? false }, { signal: context.signal });
  if (options.json) context.stdout.write(`${JSON.stringify({ artifacts, blobs, freedBytes: Number(freedBytes) })}\n`);
  else {
    const verb = options.dryRun ? "Would delete" : "Deleted";
    say(
      context.stdout,
      `${verb} ${counted(artifacts.length, "artifact")} and ${counted(blobs.length, "blob")}, ${bytes(Number(freedBytes))}.\n`,
    );
  }
  return 0;
}
