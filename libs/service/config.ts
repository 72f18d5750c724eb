import * as v from "valibot";
import { UsageError } from "./exit.ts";

/** One or more settings are wrong; the message has a line for each. */
export class ConfigError extends UsageError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      problems.length === 1
        ? `wrong configuration: ${problems[0]}`
        : `wrong configuration:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    );
    this.problems = problems;
  }
}

/**
 * A whole number from `minimum` to `maximum`, written in decimal.
 * @example
 * ```ts
 * const jobs = { flag: "--jobs <n>", env: "JOBS", description: "at a time", schema: wholeNumber(1, 64), required: true } as const;
 * const wrong = () => readSettings({ jobs }, { flags: { jobs: "many" }, env: {} });
 * await Promise.try(wrong).catch(({ problems }) => problems); // ['--jobs must be a whole number from 1 to 64, not "many"']
 * ```
 */
export function wholeNumber(minimum: number, maximum: number): v.GenericSchema<string, number> {
  const message = `a whole number from ${minimum} to ${maximum}`;
  return v.pipe(
    v.string(message),
    v.regex(/^-?\d+$/, message),
    v.transform(Number),
    v.minValue(minimum, message),
    v.maxValue(maximum, message),
  );
}

/** `host:port`. */
export function address(): v.GenericSchema<string, string> {
  const message = "an address like 127.0.0.1:7070";
  return v.pipe(
    v.string(message),
    v.check((text) => {
      const port = /^(?:\[[\da-fA-F:.]+\]|[^\s:/]+):(\d{1,5})$/.exec(text)?.[1];
      return port !== undefined && Number(port) <= 65_535;
    }, message),
  );
}
