import { checkImageSet, ImageSetError } from "#libs/image-sets";
import { checkRecordSet, isRecordFolder } from "#libs/record-sets";
import { ExitCode, UsageError } from "#libs/service/process";
import type { CommandContext } from "../../context.ts";
import { showCount } from "../../models/reading-display.ts";
import { writeLines } from "../../render/line.ts";
import { widthOf } from "../../write-wrapped.ts";
import { imageReportLines, recordReportLines } from "./report-lines.ts";

type CheckDataOptions = { readonly against?: readonly string[]; readonly json?: boolean; readonly quiet?: boolean };

/** Looks through a folder of images or records. @returns the exit code: 0 if it can be used, 1 if not */
export async function checkData(folder: string, options: CheckDataOptions, { stdout, stderr, signal }: CommandContext): Promise<number> {
  try {
    if (await isRecordFolder(folder)) {
      const report = await checkRecordSet(folder, { signal, against: options.against });
      if (options.json) stdout.write(`${JSON.stringify(report)}\n`);
      else writeLines(recordReportLines(report, Math.min(widthOf(stdout), 80)), stdout);
      return report.usable ? ExitCode.done : ExitCode.failed;
    }
    using display = showCount("reading images", stderr, options.quiet === true || options.json === true);
    const report = await checkImageSet(folder, {
      ...{ signal, against: options.against },
      onProgress: ({ images, total }) => display.update(images, total),
    });
    display[Symbol.dispose]();
    if (options.json) stdout.write(`${JSON.stringify(report)}\n`);
    else writeLines(imageReportLines(report, Math.min(widthOf(stdout), 80)), stdout);
    return report.usable ? ExitCode.done : ExitCode.failed;
  } catch (cause) {
    if (cause instanceof ImageSetError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}
