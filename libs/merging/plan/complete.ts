import type { Method } from "../method.ts";
import { type CompleteValues, completeAll, MergeParameterError } from "../methods/index.ts";
import type { GivenParameters } from "./request.ts";

type Completed = { readonly parameters: CompleteValues; readonly problems: readonly string[] };

/** Completes the parameters of tensors, each combination of given values once: most tensors of a model have the same. */
export function completeFor(method: Method): (given: GivenParameters, models: readonly string[]) => Completed {
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

function complete(method: Method, given: GivenParameters, models: readonly string[]): Completed {
  try {
    return { parameters: completeAll(method, given, models.length, (i) => models[i]!), problems: [] };
  } catch (error) {
    if (!(error instanceof MergeParameterError)) throw error;
    return { parameters: { merge: {}, models: [] }, problems: error.problems };
  }
}
