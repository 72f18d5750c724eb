import type { ModelFiles } from "#libs/models";
import { openCatalogModel as open } from "#libs/remote-models";
import { type CommandContext, type GlobalOptions, useTarget } from "../context.ts";
import type { Target } from "../system/target.ts";

const targets = new WeakMap<CommandContext, Promise<Target>>();

/** Opens a model of the catalog that the options name. @throws UsageError if the catalog has no such model */
export async function openCatalogModel(name: string, options: GlobalOptions, context: CommandContext): Promise<ModelFiles> {
  const { channel, address } = await targetOf(options, context);
  const catalog = options.server === undefined ? `the catalog in ${options.data}` : `the catalog of ${address}`;
  return open(name, channel, { catalog, signal: context.signal });
}

/** One system for all models that a command names. */
export function targetOf(options: GlobalOptions, context: CommandContext): Promise<Target> {
  const target = targets.get(context) ?? useTarget(context, options, "look");
  targets.set(context, target);
  return target;
}
