import { methods } from "#libs/merging/methods";

/** What may stand in a place of a command line. */
export type Values =
  | { readonly kind: "words"; readonly words: readonly string[] /** Several with commas. */; readonly list?: boolean }
  /** What a system has, which is asked when it is needed. */
  | { readonly kind: "names"; readonly of: NameKind }
  /** Files, where there are endings only those that end so; and folders, by which files are reached. */
  | { readonly kind: "files"; readonly endings?: readonly string[] /** Models of the catalog too. */; readonly orModels?: boolean }
  | { readonly kind: "folders" }
  | { readonly kind: "free" };

/** What a system has with names. */
const nameKinds = ["runs", "jobs", "trainers", "models"] as const;
export type NameKind = (typeof nameKinds)[number];

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

const free: Values = { kind: "free" };
const anyFile: Values = { kind: "files" };
const model: Values = { kind: "files", endings: [".safetensors", ".pth", ".pt", ".bin"], orModels: true };
const runFile: Values = { kind: "files", endings: [".yaml", ".yml"] };
const words = (...list: readonly string[]): Values => ({ kind: "words", words: list });

/** By what stands in the help between < and >, behind an option or as an argument. */
const byPlaceholder: { readonly [placeholder: string]: Values } = {
  run: { kind: "names", of: "runs" },
  job: { kind: "names", of: "jobs" },
  trainer: { kind: "names", of: "trainers" },
  artifact: { kind: "names", of: "models" },
  ref: { kind: "names", of: "models" },
  tag: free,
  note: free,
  format: words("cyclonedx", "prov"),
  model,
  models: model,
  method: words(...methods.map(({ name }) => name)),
  states: { kind: "words", words: ["queued", "running", "succeeded", "failed", "cancelled"], list: true },
  type: words("float32", "bfloat16", "float16", "float64"),
  device: words("auto", "cpu", "gpu"),
  level: words("trace", "debug", "info", "warn", "error", "silent"),
  shell: words(...shells),
  directory: { kind: "folders" },
  folder: { kind: "folders" },
  path: anyFile,
  paths: anyFile,
  licence: free,
  file: anyFile,
  ...Object.fromEntries(
    [
      "token",
      "host:port",
      "host:port,...",
      "origin",
      "number",
      "numbers",
      "name",
      "name=value",
      "tensor",
      "size",
      "password",
      "seconds",
    ].map((name) => [name, free]),
  ),
  ...Object.fromEntries(["MiB", "ms", "text", "time"].map((name) => [name, free])),
};

/** What an option takes, by its placeholder; undefined for one that nobody has thought of. */
export function valuesOfOption(placeholder: string): Values | undefined {
  return Object.hasOwn(byPlaceholder, placeholder) ? byPlaceholder[placeholder] : undefined;
}

/** What an argument is: a name is that of an artifact, and a file one that says what to do. */
export function valuesOfArgument(placeholder: string): Values | undefined {
  if (placeholder === "file") return runFile;
  return valuesOfOption(placeholder === "name" ? "artifact" : placeholder);
}
