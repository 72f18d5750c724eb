import { CommanderError } from "commander";
import { ExitCode, liveProcess, UsageError } from "#libs/service/process";
import { commandContext } from "./context.ts";
import { createProgram, isLight } from "./program.ts";
import { writeWrapped } from "./write-wrapped.ts";

const [, , command = "", service] = process.argv;
// Commands on files start without gRPC, telemetry and tfjs: that takes longer than many an average.
const light = isLight(command) && !process.env["OTEL_EXPORTER_OTLP_ENDPOINT"];
const begin = light ? undefined : (await import("./telemetry.ts")).beginTelemetry;

await liveProcess(
  async (stack, signal) => {
    const context = commandContext(stack, signal);
    let code: number = ExitCode.done;
    try {
      const finish = (result: number) => {
        code = result;
      };
      await (await createProgram(context, finish, command)).parseAsync(process.argv);
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
