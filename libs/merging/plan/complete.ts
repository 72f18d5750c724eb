import type { Method, Parameter } from "../method.ts";
import type { ParameterValues } from "../parameters.ts";
import type { GivenParameters } from "./request.ts";

type Completed = {
  readonly parameters: { readonly merge: ParameterValues; readonly models: readonly ParameterValues[] };
  readonly problems: readonly string[];
};

/** Completes the parameters of tensors, each combination of given values once: most tensors of a model have the same. */
export function completeFor(method: Method): (given: GivenParameters, models: number) => Completed {
  const known = new Map<string, Completed>();
  return (given, models) => {
    const key = JSON.stringify([given, models]);
    let completed = known.get(key);
    if (completed === undefined) {
      completed = complete(method, given, models);
      known.set(key, completed);
    }
    return completed;
  };
}

function complete(method: Method, { merge = {}, models = [] }: GivenParameters, count: number): Completed {
  const problems: string[] = [];
  if (models.length > 0 && models.length !== count) problems.push(`there are parameters for ${models.length} models, and ${count} models`);
  const scope = (parameters: readonly Parameter[], given: ParameterValues) => {
    const values = Object.fromEntries(parameters.map(({ name, default: fallback }) => [name, given[name] ?? fallback]));
    for (const [name, value] of Object.entries(values)) if (value === undefined) problems.push(`${method.name} needs \`${name}\``);
    return values as ParameterValues;
  };
  const of = (wanted: Parameter["scope"]) => method.parameters.filter((parameter) => parameter.scope === wanted);
  const parameters = {
    merge: scope(of("merge"), merge),
    models: Array.from({ length: count }, (_, i) => scope(of("model"), models[i] ?? {})),
  };
  return { parameters, problems };
}
