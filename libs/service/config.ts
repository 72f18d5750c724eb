import * as v from "valibot";
import { UsageError } from "./exit.ts";

/** One or more environment variables are wrong; the message has a line for each. */
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

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a configuration from the environment by a valibot object schema whose keys are the variables' names. An empty variable counts as
 * absent. Throws ConfigError with every problem at once; values of variables that hold secrets are not repeated in it.
 */
export function readConfig<const E extends v.ObjectEntries>(
  schema: v.ObjectSchema<E, undefined>,
  env: Environment = process.env,
): v.InferOutput<v.ObjectSchema<E, undefined>> {
  const present = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name in schema.entries && value !== undefined && value !== ""),
  );
  const result = v.safeParse(schema, present);
  if (result.success) return result.output;
  throw new ConfigError(result.issues.map((issue) => describe(issue, present)));
}

function describe(issue: v.BaseIssue<unknown>, present: Environment): string {
  const name = v.getDotPath(issue) ?? "environment";
  const value = present[name];
  if (value === undefined) return `${name} is not set`;
  const shown = /TOKEN|SECRET|PASSWORD|KEY/.test(name) ? "" : `, not ${JSON.stringify(value)}`;
  return `${name} must be ${issue.message}${shown}`;
}

/** A whole number from `minimum` to `maximum`, written in decimal. */
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
