import { availableParallelism } from "node:os";
import { type ModelToWrite, writeModel } from "#libs/merged-models";
import type { Reading } from "#libs/model-folders";
import { counted } from "#libs/text";
import type { CommandContext } from "../context.ts";
import { writeWrapped } from "../write-wrapped.ts";
import { withAdvice } from "./advice.ts";
import { estimateLines, resultLines } from "./merge-lines.ts";
import { showReading } from "./reading-display.ts";
import type { WritingOptions } from "./writing-options.ts";

/**
 * Makes a model, shows how far it is, and tells the result; with `--dry-run` it says what would be done.
 * @returns the exit code
 * @throws what writing a model throws
 */
export async function writeMerged(model: ModelToWrite, options: WritingOptions, context: CommandContext): Promise<number> {
  const { signal, stdout, stderr } = context;
  const merge = withAdvice(model.merge);
  const threads = options.threads ?? availableParallelism();
  if (options.dryRun) {
    const text = estimateLines(merge.needs(threads), model, options, threads);
    if (options.json) stdout.write(text);
    else writeWrapped(stdout, text, 13);
    return 0;
  }
  let share = 0;
  try {
    const written = await showing((onProgress) =>
      writeModel(
        { ...model, merge },
        {
          ...{ threads, fsync: options.fsync, force: options.force === true, signal, onProgress },
          onNote: (sentence) => writeWrapped(stderr, `note: ${sentence}\n`),
        },
      ),
    );
    const text = resultLines(written, model, options);
    if (options.json) stdout.write(text);
    else writeWrapped(stdout, text, 2);
    return 0;
  } catch (error) {
    if (signal.aborted) stderr.write(interruptedSentence(merge.resumes, share));
    throw error;
  }

  /** The line with the progress is taken away before anything else is written. */
  async function showing<T>(act: (onProgress: (reading: Reading) => void) => Promise<T>): Promise<T> {
    using display = showReading(`merging ${counted(model.models.length, "model")}`, stderr, options.quiet === true);
    return await act((reading) => {
      share = reading.totalBytes > 0 ? reading.readBytes / reading.totalBytes : 0;
      display.update(reading);
    });
  }
}

function interruptedSentence(resumes: boolean, share: number): string {
  return resumes
    ? `interrupted at ${Math.floor(100 * share)} %; the same command goes on from there\n`
    : "interrupted; nothing was written\n";
}
