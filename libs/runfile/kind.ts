import { isMap, type Node } from "yaml";
import { list } from "#libs/text";
import { openDocument } from "./document.ts";
import { at, report, type Source } from "./field.ts";
import { RunFileError } from "./problems.ts";

/** The digits benchmark, or a run on images. */
export type RunFileKind = "digits" | "study";

/** Keys that only one of the two has, by where they stand. */
const own: { readonly [K in RunFileKind]: readonly (readonly string[])[] } = {
  digits: [
    ["target", "data"],
    ["target", "domains"],
    ["target", "held-out"],
    ["target", "validation-fraction"],
    ["foundation", "model"],
    ["foundation", "data"],
    ["foundation", "training"],
    ["fine-tuning", "learning-rate-factors"],
  ],
  study: [
    ["target", "images"],
    ["target", "records"],
    ["target", "rotated-mnist"],
    ["target", "colored-mnist"],
    ["target", "test"],
    ["held-out"],
    ["held-out-items"],
    ["validation-fraction"],
    ["foundation", "network"],
    ["foundation", "weights"],
    ["foundation", "images"],
    ["foundation", "records"],
    ["fine-tuning", "learning-rates"],
    ["fine-tuning", "head-only-steps"],
    ["transform"],
    ["arithmetic"],
    ["curves"],
    ["shared-images"],
  ],
};
const pictures = ["images", "records", "rotated-mnist", "colored-mnist"];

/**
 * What a run file is of. `protocol: digits`, or `target.data`, says digits; images are named in `target`.
 * @throws RunFileError if it is not YAML, or has keys of both kinds.
 * @example
 * ```ts
 * runFileKind("name: birds\ntarget: { images: ./birds }\n", { path: "birds.yaml" }); // "study"
 * runFileKind("name: digits\ntarget: { data: ../data/digits }\n", { path: "digits.yaml" }); // "digits"
 * ```
 */
export function runFileKind(text: string, { path }: { readonly path: string }): RunFileKind {
  const source = openDocument(text, path);
  const protocol = valueAt(source, ["protocol"]);
  const said = protocol === "digits" || (protocol === undefined && has(source, ["target", "data"]));
  const found = { digits: keysOf(source, "digits"), study: keysOf(source, "study") };
  const kind = said || (protocol === undefined && found.study.length === 0) ? "digits" : "study";
  const strangers = found[kind === "digits" ? "study" : "digits"];
  const [first] = strangers;
  if (first === undefined) return kind;
  const names = list(
    strangers.map((key) => `\`${key.join(".")}\``),
    "and",
  );
  const belong = strangers.length === 1 ? "belongs" : "belong";
  const [its, other] =
    kind === "digits"
      ? ["of the digits benchmark (`target.data`)", "run files of images"]
      : [`of images (\`target\` with one of ${pictures.map((key) => `\`${key}\``).join(", ")})`, "run files of the digits benchmark"];
  report(at(source, ...first), (line) => `${names}, first ${line}, ${belong} to ${other}, and this one is ${its}`);
  throw new RunFileError(path, source.problems);
}

function keysOf(source: Source, kind: RunFileKind): (readonly string[])[] {
  return own[kind].filter((key) => has(source, key));
}

function has(source: Source, key: readonly string[]): boolean {
  return valueAt(source, key) !== undefined;
}

function valueAt(source: Source, key: readonly string[]): unknown {
  let node = source.document.contents as Node | null | undefined;
  for (const name of key) node = isMap(node) && node.has(name) ? ((node.get(name, true) as Node | null) ?? null) : undefined;
  return node === undefined ? undefined : node === null ? null : "value" in node ? node.value : node;
}
