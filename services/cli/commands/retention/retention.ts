import { UsageError } from "#libs/service";
import { counted } from "#libs/text";
import { CatalogService, type RetentionRule } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { columns } from "../../format.ts";
import { widthOf, writeWrapped } from "../../write-wrapped.ts";

const SECONDS_A_DAY = 86_400;

/** `ratatouille retention list` */
export async function listRules(options: GlobalOptions, context: CommandContext): Promise<number> {
  const catalog = (await useTarget(context, options, "look")).channel.client(CatalogService);
  const { rules } = await catalog.listRetentionRules({}, { signal: context.signal });
  if (options.json) context.stdout.write(`${JSON.stringify(rules.map(plain))}\n`);
  else if (rules.length === 0) writeWrapped(context.stdout, "No rules: gc keeps what names and runs need.\n");
  else
    context.stdout.write(
      columns(
        ["rule", "keeps"],
        rules.map((rule) => [rule.name, sentence(rule)]),
        widthOf(context.stdout),
      ),
    );
  return 0;
}

type SetOptions = GlobalOptions & { readonly filter?: string; readonly days?: number; readonly moves?: number; readonly prefix?: string };

/** `ratatouille retention set NAME` */
export async function setRule(name: string, options: SetOptions, context: CommandContext): Promise<number> {
  const { filter = "", days = 0, moves = 0, prefix = "" } = options;
  if ((filter === "") === (moves === 0)) throw new UsageError("expected either --filter or --moves");
  if (!(days >= 0 && days < 1e6)) throw new UsageError("--days: expected a number of at least 0");
  if (!Number.isInteger(moves)) throw new UsageError("--moves: expected a whole number from 1 to 100");
  const catalog = (await useTarget(context, options)).channel.client(CatalogService);
  const keepSeconds = BigInt(Math.round(days * SECONDS_A_DAY));
  const { rule } = await catalog.setRetentionRule(
    { rule: { name, filter, keepSeconds, refPrefix: prefix, keepMoves: moves } },
    { signal: context.signal },
  );
  if (options.json && rule) context.stdout.write(`${JSON.stringify(plain(rule))}\n`);
  else if (rule) writeWrapped(context.stdout, `${name} keeps ${sentence(rule)}.\n`);
  return 0;
}

/** `ratatouille retention remove NAME` */
export async function removeRule(name: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const catalog = (await useTarget(context, options)).channel.client(CatalogService);
  await catalog.deleteRetentionRule({ name }, { signal: context.signal });
  if (options.json) context.stdout.write(`${JSON.stringify({ removed: name })}\n`);
  else writeWrapped(context.stdout, `${name} is removed.\n`);
  return 0;
}

function sentence({ filter, keepSeconds, refPrefix, keepMoves }: RetentionRule): string {
  if (keepMoves > 0)
    return `where refs ${refPrefix === "" ? "" : `of ${refPrefix} `}pointed before their last ${counted(keepMoves, "move")}`;
  return `${filter}${keepSeconds === 0n ? "" : `, for ${counted(Number(keepSeconds) / SECONDS_A_DAY, "day")}`}`;
}

function plain({ name, filter, keepSeconds, refPrefix, keepMoves }: RetentionRule) {
  return { name, filter, keepSeconds: Number(keepSeconds), refPrefix, keepMoves };
}
