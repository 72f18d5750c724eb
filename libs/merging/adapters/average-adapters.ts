import { join } from "node:path";
import { type ModelFiles, openModel } from "#libs/models";
import { combineLicences, type Digest } from "#libs/recipes";
import { type AdapterRequest, planAdapters } from "./plan-adapters.ts";
import { type RunAdaptersOptions, runAdapters, type WrittenFiles } from "./run-adapters.ts";

/** Plans and writes an average of adapters. @throws AdapterError with every reason why it cannot be done. */
export async function averageAdapters(request: AdapterRequest, options: RunAdaptersOptions): Promise<WrittenFiles> {
  return runAdapters(planAdapters(request), options);
}

/**
 * Writes the model that an adapter makes of its base: base + scaling · B · A, one rounding to the base's type. What mergekit calls
 * `model+lora`. Returns it opened, under the name "base+adapter".
 * @throws AdapterError
 */
export async function applyAdapter(
  base: ModelFiles,
  adapter: ModelFiles,
  { digests, ...options }: RunAdaptersOptions & { readonly digests: { readonly base: Digest; readonly adapter: Digest } },
): Promise<ModelFiles> {
  const single = "model.safetensors";
  await averageAdapters({ adapters: [adapter], digests: [digests.adapter], weights: [1], base, baseDigest: digests.base, single }, options);
  const { name, config, licences, foundation } = { ...base, name: `${base.name}+${adapter.name}` };
  const applied = await openModel(join(options.directory, single), name);
  return {
    ...applied,
    ...(config === undefined ? {} : { config }),
    licences: combineLicences([licences, adapter.licences]),
    ...(foundation === undefined ? {} : { foundation }),
  };
}
