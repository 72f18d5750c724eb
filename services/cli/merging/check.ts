import { checkModels } from "#libs/merging";
import { ExitCode } from "#libs/service/process";
import type { CommandContext } from "../context.ts";
import { paint } from "../render/line.ts";
import type { CheckCommandOptions } from "./check-command.ts";
import { openInputs } from "./inputs.ts";
import { showReading } from "./progress.ts";
import { reportLines } from "./report-lines.ts";

/** Says whether models may be averaged. @returns the exit code: 0 if they may, 1 if not */
export async function check(names: readonly string[], options: CheckCommandOptions, context: CommandContext): Promise<number> {
  const { stdout, stderr, signal } = context;
  const models = await openInputs(names, options, context);
  const [base] = await openInputs(options.base === undefined ? [] : [options.base], options, context);
  using display = showReading(`reading ${models.length} models`, stderr, options.quiet === true || options.json === true);
  const report = await checkModels(models, {
    base,
    exclude: new Set(options.exclude),
    full: options.full,
    mixedTypes: options.mixedTypes,
    allowUnrelated: options.allowUnrelated,
    threads: options.threads,
    signal,
    onProgress: (progress) => display.update(progress),
  });
  display[Symbol.dispose]();
  if (options.json) stdout.write(`${JSON.stringify(report)}\n`);
  else {
    const colours = stdout.isTTY === true && stdout.hasColors();
    for (const line of reportLines(report)) stdout.write(`${paint(line, colours).trimEnd()}\n`);
  }
  return report.verdict === "incompatible" ? ExitCode.failed : ExitCode.done;
}
