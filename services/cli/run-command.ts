import { CommanderError } from "commander";
import { ExitCode, UsageError } from "#libs/service/process";
import type { CommandContext } from "./context.ts";
import { createProgram } from "./program.ts";
import { type Stream, writeWrapped } from "./write-wrapped.ts";

/**
 * Runs a command line, given without the name of the program, and gives its exit code.
 * @throws whatever stops it, as `sayError` says it; what the person has got wrong as a UsageError.
 */
export async function runCommand(args: readonly string[], context: CommandContext): Promise<number> {
  let code: number = ExitCode.done;
  try {
    const finish = (result: number) => {
      code = result;
    };
    await (await createProgram(context, finish, args[0] ?? "")).parseAsync(args, { from: "user" });
  } catch (error) {
    // Commander has said what is wrong already; help that was asked for is no mistake.
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
    if (error instanceof UsageError || context.signal.aborted) throw error;
    const { explain, isUsage } = await import("./explain.ts");
    if (isUsage(error)) throw new UsageError(explain(error), { cause: error });
    throw error;
  }
  return code;
}

/** Tells a person what has stopped a command. */
export async function sayError(error: unknown, stderr: Stream): Promise<void> {
  const sentence = error instanceof UsageError ? error.message : (await import("./explain.ts")).explain(error);
  writeWrapped(stderr, `ratatouille: ${sentence}\n`);
}
