import { isMap, isSeq, type Node } from "yaml";
import { type Field, quoted, report, type Source, wrong } from "./field.ts";
import type { RunFile } from "./schema.ts";

/** Initialisations that are not auxiliaries. */
const reservedNames = ["foundation", "fused"];

/** What was read of something: what is wrong or missing is undefined. */
export type Partly<T> = T extends readonly unknown[] ? T : T extends object ? { readonly [K in keyof T]: Partly<T[K]> | undefined } : T;

/** Records mistakes that more than one value makes together, as far as those values are right by themselves. */
export function checkRules(file: Partly<RunFile>, source: Source): void {
  checkHeldOut(file.target, source);
  checkAuxiliaries(file.auxiliaries, source);
  if (file.methods?.includes("recycling") === false) wrong(at(source, "methods"), "must have `recycling` among them");
  const { steps, "validate-every": every } = file["fine-tuning"] ?? {};
  if (steps !== undefined && every !== undefined && every > steps) {
    wrong(at(source, "fine-tuning", "validate-every"), `must be at most \`steps\` (${steps}), or no checkpoint is ever chosen`);
  }
  checkGlyphs(file.foundation?.data, at(source, "foundation", "data"));
}

function checkHeldOut(target: Partly<RunFile>["target"], source: Source): void {
  const { domains, "held-out": heldOut = [] } = target ?? {};
  if (domains === undefined) return;
  for (const [i, domain] of heldOut.entries()) {
    const field = { ...at(source, "target", "held-out", i), name: "held-out" };
    if (!domains.includes(domain)) {
      const near = [...domains].sort((a, b) => Math.abs(a - domain) - Math.abs(b - domain))[0];
      report(
        field,
        (line) =>
          `unknown domain \`${domain}\` in \`held-out\` ${line}: did you mean \`${near}\`? \`domains\` has ${quoted(domains.map(String))}`,
      );
    } else if (domains.length === 1) {
      report(field, (line) => `held-out domain \`${domain}\` ${line} is also the only training domain: \`domains\` needs at least two`);
    }
  }
}

function checkAuxiliaries(auxiliaries: readonly Partly<RunFile["auxiliaries"][number]>[] = [], source: Source): void {
  for (const [i, { name, data }] of auxiliaries.entries()) {
    const field = { ...at(source, "auxiliaries", i, "name"), name: "name" };
    if (name !== undefined && reservedNames.includes(name))
      wrong(field, `cannot be \`${name}\`: that is what results call another start of fine-tunings`);
    if (name !== undefined && auxiliaries.findIndex((other) => other.name === name) < i)
      wrong(field, `is \`${name}\` again: every auxiliary needs its own`);
    checkGlyphs(data, at(source, "auxiliaries", i, "data"));
  }
}

type Counts = { readonly classes?: number | undefined; readonly images?: number | undefined };

function checkGlyphs({ classes, images }: Counts = {}, field: Field): void {
  if (classes !== undefined && images !== undefined && images < classes)
    wrong({ ...field, name: "images" }, `must be at least \`classes\` (${classes}), not ${images}`);
}

/** The nearest node on a path that is in the file; keys that are left out have none of their own. */
function at(source: Source, ...path: readonly (string | number)[]): Field {
  let node: Node | null = source.document.contents as Node | null;
  for (const key of path) {
    const next = isMap(node) || isSeq(node) ? (node.get(key, true) as Node | undefined) : undefined;
    if (next === undefined) break;
    node = next;
  }
  return { node, name: String(path.at(-1)), source };
}
