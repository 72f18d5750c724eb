import { join } from "node:path";
import { type ModelFiles, openModel } from "#libs/models";
import { combineLicences, type Digest } from "#libs/recipes";
import { type AdapterRequest, planAdapters } from "./plan-adapters.ts";
import { type RunAdaptersOptions, runAdapters, type WrittenFiles } from "./run-adapters.ts";
import { untied } from "./tied-head.ts";

/** Plans and writes an average of adapters. @throws AdapterError with every reason why it cannot be done. */
export async function averageAdapters(request: AdapterRequest, options: RunAdaptersOptions): Promise<WrittenFiles> {
  return runAdapters(planAdapters(request), options);
}

/**
 * Writes the model that an adapter makes of its base: base + scaling · B · A, one rounding to the base's type. What mergekit calls
 * `model+lora`. Returns it opened, under the name "base+adapter", with all of the base that is no weight.
 * @throws AdapterError
 */
export async function applyAdapter(
  base: ModelFiles,
  adapter: ModelFiles,
  { digests, ...options }: RunAdaptersOptions & { readonly digests: { readonly base: Digest; readonly adapter: Digest } },
): Promise<ModelFiles> {
  const single = "model.safetensors";
  const plan = planAdapters({ adapters: [adapter], digests: [digests.adapter], weights: [1], base, baseDigest: digests.base, single });
  await runAdapters(plan, options);
  const { files, tensors } = await openModel(join(options.directory, single));
  const { artifact: _, notes: _notes, ...rest } = base;
  return {
    // Its tokenizer and all else that a model needs are those of the base.
    ...(plan.tied === false ? untied(rest) : rest),
    ...{ name: `${base.name}+${adapter.name}`, files, tensors },
    // What one of them does not name is not known of both.
    licences: combineLicences([base.licences, adapter.licences]),
    applied: { base: { model: base, digest: digests.base }, adapter: { model: adapter, digest: digests.adapter } },
  };
}
