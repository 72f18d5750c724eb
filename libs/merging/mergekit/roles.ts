import type { Method } from "../method.ts";
import type { MergekitConfig, Reference, Slice, Source } from "./config.ts";
import type { ConfigProblem } from "./errors.ts";

/** Which of a slice's sources are merged, and which is the base of the method. */
export type Roles = { readonly models: readonly Source[]; readonly base?: Source };

/** A problem of the configuration, at a place in it. */
export function problemAt({ line, column }: { readonly line: number; readonly column: number }, message: string): ConfigProblem {
  return { line, column, message };
}

/**
 * Gives the sources of a slice their parts, as mergekit does: a base model that is not among `models` joins them; for methods without a base
 * it is one more member. SLERP goes from the base to the other model.
 */
export function rolesOf(config: MergekitConfig, slice: Slice, method: Method): Roles | ConfigProblem {
  const base = slice.base ?? config.base;
  const isBase = ({ reference }: Source) => reference.text === base?.text;
  const listed = slice.sources.find(isBase);
  if (base === undefined) {
    if (method.base !== "required" && method.name !== "slerp") return { models: slice.sources };
    const { line, name } = config.method;
    return problemAt(config.method, `\`merge_method\` at line ${line} is \`${name}\`, which needs \`base_model\``);
  }
  if (listed === undefined && config.kind === "slices") {
    if (method.base === "none" && method.name !== "slerp") return { models: slice.sources };
    return problemAt(
      slice,
      `\`sources\` at line ${slice.line} do not have the base model \`${base.text}\`, which ${method.name} needs among them`,
    );
  }
  const source = listed ?? { reference: base, parameters: new Map() };
  const others = slice.sources.filter((one) => !isBase(one));
  if (method.base !== "none") return { models: others, base: source };
  if (method.name === "slerp") return { models: [source, ...others] };
  if (listed !== undefined) return { models: slice.sources };
  return joinsAsMember(config, base, method) ?? { models: [...slice.sources, source] };
}

/** mergekit makes a base of a method without one an ordinary member. With weights it then has none, which mergekit says late and unclearly. */
function joinsAsMember({ parameters, moduleParameters }: MergekitConfig, base: Reference, method: Method): ConfigProblem | undefined {
  const weighted = method.parameters.some(({ name, scope }) => name === "weight" && scope === "model");
  if (!weighted || parameters.has("weight") || moduleParameters.has("weight")) return undefined;
  return problemAt(
    base,
    `\`base_model\` at line ${base.line} would be one more member, as ${method.name} has no base, and it has no weight: leave it out, or list it under \`models\``,
  );
}
