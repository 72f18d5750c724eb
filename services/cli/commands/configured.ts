import type { Command } from "commander";
import { describeSettings, type Settings, type Sources } from "#libs/service";
import { columns } from "#libs/text";
import { type Stream, widthOf } from "../write-wrapped.ts";

/** Flags of a program that is configured by settings, beside those. */
export type ConfiguredOptions = Readonly<Record<string, unknown>> & { readonly printConfig?: boolean; readonly json?: boolean };

/** Options of a program that is configured by settings. They read the environment themselves, so that they can say where a value is from. */
export function configured(command: Command, settings: Settings): Command {
  for (const { flag, env, description, default: fallback } of Object.values(settings))
    command.option(flag, `${description} (${fallback === undefined ? "" : `default: ${fallback}; `}env: ${env})`);
  if ("token" in settings) command.option("--token-file <file>", "a file with the bearer token, instead");
  return command
    .option("--print-config", "say what is set and where from, and do nothing")
    .option("--json", "with --print-config: for programs");
}

/** The settings with where each is from: for people, or as one JSON object. */
export function printedConfig(settings: Settings, sources: Sources, stream: Stream, json?: boolean): string {
  const lines = describeSettings(settings, sources);
  if (json) return `${JSON.stringify(Object.fromEntries(lines.map(({ name, value, from }) => [name, { value: value ?? null, from }])))}\n`;
  const rows = lines.map(({ name, value = "-", from }) => [name, value, from]);
  return columns(["setting", "value", "from"], rows, widthOf(stream));
}
