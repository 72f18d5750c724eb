import type { MergekitConfig } from "./config.ts";
import type { ConfigProblem } from "./errors.ts";
import { referencesOf } from "./reference-list.ts";
import { problemAt } from "./roles.ts";

/** Sorts merges of one file so that each comes after those that it uses by name, or says why that cannot be. The one without a name is the last. */
export function inOrder(configs: readonly MergekitConfig[]): MergekitConfig[] | { readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const byName = new Map<string, MergekitConfig>();
  let unnamed: MergekitConfig | undefined;
  for (const config of configs) {
    const { name } = config;
    if (name === undefined) {
      if (unnamed !== undefined)
        problems.push(
          problemAt(config, `the merge at line ${config.line} has no \`name\`, as the one at line ${unnamed.line}: only one is the result`),
        );
      unnamed = config;
    } else if (byName.has(name.text)) {
      problems.push(
        problemAt(name, `\`name\` at line ${name.line} is \`${name.text}\` again, as at line ${byName.get(name.text)!.name!.line}`),
      );
    } else byName.set(name.text, config);
  }
  if (unnamed === undefined) problems.push(problemAt(configs[0]!, "every merge has a `name`: leave it out in the one that is the result"));
  if (problems.length > 0) return { problems };

  const sorted: MergekitConfig[] = [];
  const visit = (config: MergekitConfig, above: readonly MergekitConfig[]): void => {
    if (sorted.includes(config) || problems.length > 0) return;
    for (const { text, model, adapter, line, column } of referencesOf(config)) {
      for (const used of [model, adapter ?? model].map((name) => byName.get(name))) {
        if (used === undefined) continue;
        if (used === config || above.includes(used)) {
          problems.push(
            problemAt({ line, column }, `\`${text}\` at line ${line} is a merge that needs this one first: they go in a circle`),
          );
          return;
        }
        visit(used, [...above, config]);
      }
    }
    sorted.push(config);
  };
  for (const config of configs) if (config !== unnamed) visit(config, []);
  visit(unnamed!, []);
  return problems.length > 0 ? { problems } : sorted;
}
