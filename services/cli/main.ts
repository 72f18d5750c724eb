import { CommanderError } from "commander";
import { Code, isRpcError } from "#libs/rpc";
import { RunFileError } from "#libs/runfile";
import { ExitCode, runProcess, UsageError } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { commandContext } from "./context.ts";
import { explain } from "./explain.ts";
import { createProgram } from "./program.ts";

/** The name in traces: that of a service in a process of its own, or else that of the command. */
function serviceName([, , command, name]: readonly string[]): string {
  if (command === "serve" && name !== undefined) return name;
  return command === "trainer" ? "trainer" : "ratatouille";
}

await runProcess(
  async (stack, process_) => {
    const context = commandContext(stack, process_);
    let code: number = ExitCode.done;
    try {
      await createProgram(context, (result) => {
        code = result;
      }).parseAsync(process.argv);
    } catch (error) {
      // Commander has said what is wrong already; help that was asked for is no mistake.
      if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
      // What a server refuses to understand was asked for on the command line.
      if (error instanceof RunFileError || isRpcError(error, Code.INVALID_ARGUMENT)) throw new UsageError(explain(error), { cause: error });
      throw error;
    }
    return code;
  },
  {
    service: serviceName(process.argv),
    log: createLogger({ service: "ratatouille", level: "silent" }),
    onError: (error) => process.stderr.write(`ratatouille: ${explain(error)}\n`),
  },
);
