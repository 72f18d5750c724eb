import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { UsageError } from "#libs/service/process";

/** Asks a person, or takes every default. */
export type Ask = Disposable & {
  /**
   * The answer, the default where it is empty; asked again until `check` has no objection, which is a sentence.
   * @throws UsageError where there are no more answers
   */
  question(text: string, usual: string, check?: (answer: string) => string | undefined): Promise<string>;
};

/** Takes the default of every question. */
export const noQuestions: Ask = { question: async (_, usual) => usual, [Symbol.dispose]() {} };

/** Asks, and reads answers line by line. */
export function askAt(input: NodeJS.ReadableStream, output: { write(text: string): unknown }, signal: AbortSignal): Ask {
  const terminal = createInterface({ input });
  const close = () => terminal.close();
  signal.addEventListener("abort", close, { once: true });
  const answers = terminal[Symbol.asyncIterator]();
  return {
    async question(text, usual, check = () => undefined) {
      for (;;) {
        output.write(`${text} [${usual}] `);
        const { value, done } = await answers.next();
        signal.throwIfAborted();
        if (done) throw new UsageError(`no answer to: ${text} --yes takes what would be suggested`);
        const answer = value.trim() || usual;
        const objection = check(answer);
        if (objection === undefined) return answer;
        output.write(`${objection}\n`);
      }
    },
    [Symbol.dispose]() {
      signal.removeEventListener("abort", close);
      close();
    },
  };
}

/** The words of an answer, separated by commas; none of "none". */
export function words(answer: string): string[] {
  return answer === "none" ? [] : answer.split(",").flatMap((word) => word.trim() || []);
}

/** Objects to answers that name paths, as seen from a directory, where nothing is. */
export function arePaths(directory: string, pathsIn = words): (answer: string) => string | undefined {
  return (answer) => {
    const missing = pathsIn(answer).find((path) => !existsSync(resolve(directory, path)));
    return missing === undefined ? undefined : `There is nothing at ${missing}, seen from ${resolve(directory)}.`;
  };
}
