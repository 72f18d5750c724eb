// A trainer that another process starts: it is configured by its environment and does not outlive that process.
import { ExitCode, exitWhenParentIsGone, readSettings, runProcess } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { runTrainer } from "./run-trainer.ts";
import { trainerSettings } from "./settings.ts";

exitWhenParentIsGone();
const values = settings();
const log = createLogger({ service: "trainer", ...(values.logFile ? { destination: values.logFile } : {}) });
await runProcess((_stack, context) => runTrainer(values, context), { service: "trainer", log });

function settings() {
  try {
    return readSettings(trainerSettings, { flags: {}, env: process.env });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(ExitCode.usage);
  }
}
