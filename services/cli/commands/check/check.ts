import { type CompatibilityReport, checkModels, excludedNames } from "#libs/merging";
import { ExitCode } from "#libs/service/process";
import { counted } from "#libs/text";
import type { CommandContext } from "../../context.ts";
import { isInCatalog, openInputs } from "../../models/inputs.ts";
import { showReading } from "../../models/reading-display.ts";
import { settledHeads } from "../../models/settled-heads.ts";
import { writeLines } from "../../render/line.ts";
import { widthOf } from "../../write-wrapped.ts";
import type { CheckCommandOptions } from "./options.ts";
import { reportLines } from "./report-lines.ts";

/** Says whether models may be averaged. @returns the exit code: 0 if they may, 1 if not */
export async function check(names: readonly string[], options: CheckCommandOptions, context: CommandContext): Promise<number> {
  const { stdout } = context;
  const report = (await reportOfCatalog(names, options, context)) ?? (await reportOfFiles(names, options, context));
  if (options.json) stdout.write(`${JSON.stringify(report)}\n`);
  else writeLines(reportLines(report, widthOf(stdout)), stdout);
  return report.verdict === "incompatible" ? ExitCode.failed : ExitCode.done;
}

/** Models that are all in a catalog are checked where they are: nothing of their weights comes here. */
async function reportOfCatalog(
  names: readonly string[],
  options: CheckCommandOptions,
  context: CommandContext,
): Promise<CompatibilityReport | undefined> {
  for (const name of options.base === undefined ? names : [...names, options.base])
    if (!(await isInCatalog(name, options))) return undefined;
  // With the catalog comes gRPC, which others do not wait for.
  const { checkInCatalog } = await import("./check-in-catalog.ts");
  return checkInCatalog(names, options, context);
}

async function reportOfFiles(
  names: readonly string[],
  options: CheckCommandOptions,
  context: CommandContext,
): Promise<CompatibilityReport> {
  const opened = await openInputs(names, options, context);
  const [openedBase] = await openInputs(options.base === undefined ? [] : [options.base], options, context);
  const exclude = excludedNames(options.exclude ?? [], openedBase === undefined ? opened : [...opened, openedBase]);
  const { models, base, heads } = await settledHeads(opened, openedBase, exclude);
  using display = showReading(
    `reading ${counted(models.length, "model")}`,
    context.stderr,
    options.quiet === true || options.json === true,
  );
  return await checkModels(models, {
    base,
    exclude,
    heads,
    full: options.full,
    mixedTypes: options.mixedTypes,
    allowUnrelated: options.allowUnrelated,
    threads: options.threads,
    signal: context.signal,
    onProgress: (progress) => display.update(progress),
  });
}
