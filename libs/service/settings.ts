import * as v from "valibot";
import { ConfigError } from "./config.ts";

/** One thing that can be set of a program, by a flag or by a variable of the environment. */
export type Setting<T = unknown> = {
  /** As in the help: `--listen <host:port>`, or `--insecure` for one that is there or not. */
  readonly flag: string;
  /** The variable. */
  readonly env: string;
  /** For the help. */
  readonly description: string;
  /** Its message completes "… must be". A flag without a value reads as "true". */
  readonly schema: v.GenericSchema<string, T>;
  /** As a person would write it. */
  readonly default?: string;
  /** A mistake where it is not set. Without this and a default it is undefined then. */
  readonly required?: true;
  /** Never shown. */
  readonly secret?: true;
};

/** The settings of a program, by the names that its code has for them. */
export type Settings = Readonly<Record<string, Setting>>;

/** What was read, by the same names. */
export type Values<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends { readonly default: string } | { readonly required: true }
    ? v.InferOutput<S[K]["schema"]>
    : v.InferOutput<S[K]["schema"]> | undefined;
};

/** Where settings come from. */
export type Sources = {
  /** By the name of the flag as commander has it: `printConfig` for `--print-config`. Names that are no setting are ignored. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** One line of `--print-config`. */
export type SettingLine = {
  readonly name: string;
  /** `(secret)` in place of what is not shown; undefined where it is not set. */
  readonly value: string | undefined;
  /** The flag or the variable that says so. */
  readonly from: string;
};

/** Declares settings; keeps their types. */
export function declareSettings<const S extends Settings>(settings: S): S {
  return settings;
}

/**
 * Reads settings: flags over the environment over defaults. An empty variable counts as not set.
 * @throws ConfigError with every problem at once, each naming the flag or the variable as it was given; what is secret is not repeated.
 * @example
 * ```ts
 * const settings = declareSettings({
 *   jobs: { flag: "--jobs <n>", env: "JOBS", description: "at a time", schema: wholeNumber(1, 64), default: "2" },
 *   verbose: { flag: "--verbose", env: "VERBOSE", description: "say more", schema: yesOrNo() },
 * });
 * readSettings(settings, { flags: { jobs: "8" }, env: { JOBS: "4", VERBOSE: "" } }); // { jobs: 8, verbose: undefined }
 * readSettings(settings, { flags: {}, env: { VERBOSE: "true" } }); // { jobs: 2, verbose: true }
 * ```
 */
export function readSettings<const S extends Settings>(settings: S, sources: Sources): Values<S> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(settings)) {
    const found = find(setting, sources);
    if (found === undefined) {
      if (setting.required) problems.push(`neither ${longFlag(setting)} nor ${setting.env} is set`);
      values[key] = undefined;
      continue;
    }
    const result = v.safeParse(setting.schema, found.text);
    if (result.success) values[key] = result.output;
    else problems.push(describeIssue(setting, found, result.issues[0].message));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return values as Values<S>;
}

/**
 * What `--print-config` shows: each setting, its value as written, and where it is from. Checks nothing.
 * @example
 * ```ts
 * const token = { flag: "--token <token>", env: "TOKEN", description: "", schema: address(), secret: true } as const;
 * describeSettings({ token }, { flags: {}, env: { TOKEN: "abc" } }); // [{ name: "token", value: "(secret)", from: "TOKEN" }]
 * ```
 */
export function describeSettings(settings: Settings, sources: Sources): SettingLine[] {
  return Object.values(settings).map((setting) => {
    const found = find(setting, sources);
    const value = found !== undefined && setting.secret ? "(secret)" : found?.text;
    return { name: longFlag(setting).slice(2), value, from: found?.from ?? "not set" };
  });
}

/**
 * The name under which commander gives a flag: `tlsCert` for `--tls-cert <file>`.
 * @example
 * ```ts
 * flagName({ flag: "--tls-cert <file>" }); // "tlsCert"
 * ```
 */
export function flagName({ flag }: Pick<Setting, "flag">): string {
  return longFlag({ flag })
    .slice(2)
    .replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** "true" or "false": for flags that are there or not. */
export function yesOrNo(): v.GenericSchema<string, boolean> {
  return v.pipe(
    v.picklist(["true", "false"], "true or false"),
    v.transform((text) => text === "true"),
  );
}

type Found = { readonly text: string; readonly from: string };

function find(setting: Setting, { flags, env }: Sources): Found | undefined {
  const flag = flags[flagName(setting)];
  if (flag !== undefined) return { text: String(flag), from: longFlag(setting) };
  const variable = env[setting.env];
  if (variable !== undefined && variable !== "") return { text: variable, from: setting.env };
  return setting.default === undefined ? undefined : { text: setting.default, from: "default" };
}

function longFlag({ flag }: Pick<Setting, "flag">): string {
  return /--[a-z0-9-]+/.exec(flag)?.[0] ?? flag;
}

function describeIssue(setting: Setting, { text, from }: Found, expected: string): string {
  const name = from === "default" ? `the default of ${longFlag(setting)}` : from;
  return `${name} must be ${expected}${setting.secret ? "" : `, not ${JSON.stringify(text)}`}`;
}
