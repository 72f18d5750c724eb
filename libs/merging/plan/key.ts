import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "#libs/recipes";
import type { MergePlan } from "./types.ts";

/** Version of how planned tensors become bytes. A change that changes bytes changes it. */
export const MERGE_ARITHMETIC = "merge/1";

/**
 * sha-256 of everything that decides what a plan writes, as 64 hexadecimal digits. Where inputs lie on this machine is no part of it: their
 * digests and the places of the tensors in them are.
 * @param inputs for each input file, the digest of its model and which of the model's files it is.
 */
export function planKey(plan: Omit<MergePlan, "key">, inputs: readonly { readonly digest: string; readonly file: number }[]): string {
  const hash = createHash("sha256");
  const add = (value: Json) => hash.update(canonicalJson(value)).update("\n");
  add([MERGE_ARITHMETIC, plan.seed, plan.digests, inputs.map(({ digest, file }) => [digest, file])]);
  for (const { name, size, header } of plan.outputs) add([name, size, createHash("sha256").update(header).digest("hex")]);
  for (const tensor of plan.tensors) {
    const { models, base = null, statistics = null, of = null, parameters, ...rest } = tensor;
    add([
      rest,
      { merge: parameters.merge, models: [...parameters.models] },
      [...models],
      base,
      statistics && [...statistics],
      of && [...of],
    ]);
  }
  return hash.digest("hex");
}
