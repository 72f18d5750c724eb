import { exitWhenParentIsGone, readSettings, type Sources } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { trainerSettings } from "../../../trainer/settings.ts";
import type { CommandContext } from "../../context.ts";
import { type ConfiguredOptions, printedConfig } from "../configured.ts";

/** `ratatouille trainer`: takes jobs until it is asked to stop. */
export async function trainer(options: ConfiguredOptions, { signal, stdout }: CommandContext): Promise<number> {
  const sources: Sources = { flags: options, env: process.env };
  if (options.printConfig) stdout.write(printedConfig(trainerSettings, sources, stdout, options.json));
  const values = readSettings(trainerSettings, sources);
  if (options.printConfig) return 0;
  exitWhenParentIsGone();
  // Wrong settings are said without it.
  const { runTrainer } = await import("../../../trainer/index.ts");
  const log = createLogger({ service: "trainer", ...(values.logFile ? { destination: values.logFile } : {}) });
  await runTrainer(values, { signal, log });
  return 0;
}
