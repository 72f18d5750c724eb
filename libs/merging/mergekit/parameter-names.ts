import type { Method } from "../method.ts";
import type { Settings } from "./config.ts";
import type { ConfigProblem } from "./errors.ts";
import { quoted } from "./nodes.ts";
import { typeProblem } from "./settings.ts";

/** Parameters of any method of mergekit 0.1.5. Where a method does not have one, mergekit says nothing; neither is it a mistake here. */
const MERGEKIT_PARAMETERS: ReadonlySet<string> = new Set([
  "alpha",
  "density",
  "eps",
  "epsilon",
  "filter_wise",
  "gamma",
  "int8_mask",
  "lambda",
  "max_iter",
  "normalize",
  "normalize_weights",
  "nuslerp_flatten",
  "nuslerp_row_wise",
  "r",
  "rescale",
  "scale",
  "select_topk",
  "t",
  "tol",
  "weight",
]);

/**
 * Checks one `parameters` against a method: unknown names and wrong types are problems; what mergekit knows and the method does not use
 * is said in a note.
 * @param ofModel whether it belongs to one model, where parameters of the merge as a whole are not looked for.
 */
export function checkSettings(settings: Settings, method: Method, ofModel: boolean): { problems: ConfigProblem[]; notes: string[] } {
  const problems: ConfigProblem[] = [];
  const notes: string[] = [];
  for (const [name, setting] of settings) {
    const { line, column } = setting;
    const parameter = method.parameters.find((one) => one.name === name);
    if (parameter === undefined) {
      if (name === "int8_mask") notes.push(`\`int8_mask\` at line ${line} has no effect: masks take no memory here`);
      else if (MERGEKIT_PARAMETERS.has(name)) notes.push(`\`${name}\` at line ${line} has no effect: ${method.name} does not use it`);
      else {
        const names = method.parameters.map((one) => one.name);
        const possible = names.length === 0 ? "it has none" : `it has ${quoted(names)}`;
        problems.push({ line, column, message: `\`${name}\` at line ${line} is no parameter of ${method.name}: ${possible}` });
      }
      continue;
    }
    const problem = typeProblem(parameter.type, setting);
    if (problem !== undefined) problems.push({ line, column, message: `\`${name}\` at line ${line} ${problem}` });
    else if (ofModel && parameter.scope === "merge")
      notes.push(
        `\`${name}\` at line ${line} has no effect: it belongs to the merge as a whole; write it under the top-level \`parameters\``,
      );
  }
  return { problems, notes };
}
