import { type ServiceClient, unavailable } from "#libs/rpc";
import { columns } from "#libs/text";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { RecyclingService, type Reproduction } from "#proto/ratatouille/v1/recycling_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { findNamed } from "../meant.ts";

/**
 * `ratatouille reproduce NAME`: runs the recipe of an artifact again and compares digests; of a recipe that promises no bytes the metrics of
 * both, within a tolerance that is said. 1 if they differ.
 */
export async function reproduce(
  name: string,
  options: GlobalOptions & { readonly quiet?: boolean },
  context: CommandContext,
): Promise<number> {
  const { channel, broken } = await useTarget(context, options, "train");
  const { digest } = await findNamed(name, channel.client(CatalogService), context.signal);
  const result = await Promise.race([runAgain(digest, channel.client(RecyclingService), options, context), broken]);
  const { expected, actual, same, approximate } = result;
  const metrics = result.metrics.map(({ $typeName: _, ...metric }) => metric);
  const facts = { expected, actual, same, ...(approximate ? { approximate, metrics } : {}), recipe: JSON.parse(result.recipe) };
  if (options.json) context.stdout.write(`${JSON.stringify(facts)}\n`);
  else context.stdout.write(approximate && expected !== actual ? approximateText(result) : exactText(result));
  return same ? 0 : 1;
}

function exactText({ expected, actual, same }: Reproduction): string {
  return same ? `Same: ${actual}\n` : `DIFFERENT\n  expected ${expected}\n  actual   ${actual}\n`;
}

/** The recipe promises no bytes, so these are others; what counts is how well both do. */
function approximateText({ same, metrics, expected }: Reproduction): string {
  if (metrics.length === 0)
    return `DIFFERENT: the recipe promises no bytes, and ${expected} says nothing of itself that could be compared instead\n`;
  const rows = metrics.map((metric) => {
    const number = (value: number) => (Number.isNaN(value) ? "none" : value.toPrecision(4));
    return [metric.name, number(metric.expected), number(metric.actual), `± ${number(metric.tolerance)}`, metric.same ? "" : "too far"];
  });
  const verdict = same ? "As good" : "DIFFERENT";
  return `${verdict}: other bytes, as the recipe's arithmetic is approximate; compared by\n${columns(["", "expected", "actual", "tolerance", ""], rows)}`;
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
