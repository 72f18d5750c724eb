import { CommanderError } from "commander";
import { ExitCode, liveProcess, UsageError } from "#libs/service/process";
import { commandContext } from "./context.ts";
import { lightCommands } from "./light-commands.ts";
import { writeWrapped } from "./write-wrapped.ts";

const [, , command = "", service] = process.argv;
// Commands on files start without gRPC, telemetry and tfjs: that takes longer than many an average.
const light = lightCommands.includes(command) && !process.env["OTEL_EXPORTER_OTLP_ENDPOINT"];
const begin = light ? undefined : (await import("./telemetry.ts")).beginTelemetry;

await liveProcess(
  async (stack, signal) => {
    const context = commandContext(stack, signal);
    const { createProgram } = await programFor(command);
    let code: number = ExitCode.done;
    try {
      await createProgram(context, (result) => {
        code = result;
      }).parseAsync(process.argv);
    } catch (error) {
      // Commander has said what is wrong already; help that was asked for is no mistake.
      if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
      if (error instanceof UsageError || signal.aborted) throw error;
      const { explain, isUsage } = await import("./explain.ts");
      if (isUsage(error)) throw new UsageError(explain(error), { cause: error });
      throw error;
    }
    return code;
  },
  {
    ...(begin ? { begin: () => begin(command, service) } : {}),
    async onError(error) {
      const sentence = error instanceof UsageError ? error.message : (await import("./explain.ts")).explain(error);
      writeWrapped(process.stderr, `ratatouille: ${sentence}\n`);
    },
  },
);

/** A part of the whole command where that is enough. */
function programFor(name: string): Promise<{ readonly createProgram: typeof import("./program.ts").createProgram }> {
  if (lightCommands.includes(name)) return import("./light-program.ts");
  return name === "trainer" ? import("./trainer-program.ts") : import("./program.ts");
}
