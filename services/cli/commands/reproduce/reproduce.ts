import { type ServiceClient, unavailable } from "#libs/rpc";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { RecyclingService, type Reproduction } from "#proto/ratatouille/v1/recycling_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { findNamed } from "../meant.ts";

/** `ratatouille reproduce NAME`: runs the recipe of an artifact again and compares digests; 1 if they differ. */
export async function reproduce(
  name: string,
  options: GlobalOptions & { readonly quiet?: boolean },
  context: CommandContext,
): Promise<number> {
  const { channel, broken } = await useTarget(context, options, "train");
  const { digest } = await findNamed(name, channel.client(CatalogService), context.signal);
  const result = await Promise.race([runAgain(digest, channel.client(RecyclingService), options, context), broken]);
  const { expected, actual, same } = result;
  if (options.json) context.stdout.write(`${JSON.stringify({ expected, actual, same, recipe: JSON.parse(result.recipe) })}\n`);
  else context.stdout.write(same ? `Same: ${actual}\n` : `DIFFERENT\n  expected ${expected}\n  actual   ${actual}\n`);
  return same ? 0 : 1;
}

async function runAgain(
  digest: string,
  recycling: ServiceClient<typeof RecyclingService>,
  { json, quiet }: { readonly json?: boolean; readonly quiet?: boolean },
  { stderr, signal }: CommandContext,
): Promise<Reproduction> {
  let shown = -1;
  for await (const { event } of recycling.reproduce({ digest }, { signal, timeoutMs: 0 })) {
    if (event.case === "result") return event.value;
    const { step = 0, steps = 0 } = event.value?.progress ?? {};
    if (json || quiet || steps === 0) continue;
    const tenth = Math.floor((10 * step) / steps);
    if (tenth === shown) continue;
    shown = tenth;
    stderr.write(`${event.value?.label}: step ${step} of ${steps}\n`);
  }
  throw unavailable("the server ended the reproduction without a result");
}
