import type { Structure } from "./structure.ts";

/** Tensors that go with a quantised weight: scales, zero points, tables. bitsandbytes, GPTQ, AWQ, compressed-tensors, HQQ, FP8. */
const COMPANIONS = ["SCB", "absmax", "quant_map", "scales", "qzeros", "weight_scale", "weight_scale_inv", "weight_format", "g_idx", "meta"];
const PACKED = /(^|\.)(qweight|weight_packed|W_q)$/;
const WHOLE = /^[IU]\d+$/;

/**
 * Weights that are stored as whole numbers with scales beside them, and what shows it. Such numbers have no mean: they mean something with
 * their own scales only.
 */
export function quantisedTensors({ tensors }: Structure): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, { dtype }] of tensors) {
    if (!WHOLE.test(dtype)) continue;
    const stem = name.replace(/\.[^.]*$/, "");
    const beside = COMPANIONS.flatMap((end) => [`${name}.${end}`, `${stem}.${end}`]).find((other) => other !== name && tensors.has(other));
    if (beside !== undefined && (PACKED.test(name) || /(^|\.)weight$/.test(name))) found.set(name, `${dtype} with ${beside}`);
    else if (PACKED.test(name)) found.set(name, dtype);
  }
  return found;
}
