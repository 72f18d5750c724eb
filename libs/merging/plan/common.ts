import { compareStructure } from "../compatibility/index.ts";
import type { MergeRequest, TensorRequest } from "./request.ts";

/** Every tensor of the models, of the same name in each. Problems name what some have and others have not, or have otherwise. */
export function commonTensors(request: MergeRequest, mixedTypes: boolean): { tensors: TensorRequest[]; problems: string[] } {
  const { models, base, exclude } = request;
  const all = base === undefined ? models : [...models, base];
  const mismatches = compareStructure(all, { exclude, mixedTypes }).filter(({ code }) => code !== "no-average");
  const names = [...(models[0]?.tensors.keys() ?? [])].filter((name) => !exclude?.has(name));
  const tensors = names.map((name) => ({
    name,
    sources: models.map((_, model) => ({ model, tensor: name })),
    ...(base === undefined ? {} : { base: { model: models.length, tensor: name } }),
  }));
  return { tensors, problems: mismatches.map(({ tensor, problem }) => `tensor ${JSON.stringify(tensor)}: ${problem}`) };
}
