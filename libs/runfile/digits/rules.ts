import { at, type Field, quoted, report, type Source, wrong } from "../field.ts";
import type { Partly } from "../partly.ts";
import type { RunFile } from "./schema.ts";

/** Initialisations that are not auxiliaries. */
const reservedNames = ["foundation", "fused"];

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
