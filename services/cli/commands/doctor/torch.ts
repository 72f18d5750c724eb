import { findTorch } from "#libs/pytorch";
import type { Finding } from "./finding.ts";

/** The trainer with PyTorch: whether `setup torch` was here, and how to start it. Nothing needs it. */
export async function checkTorch(): Promise<Finding> {
  const topic = "engine torch";
  const installed = await findTorch();
  if (!installed) return { topic, right: true, fact: "not installed; ratatouille setup torch does it" };
  const { torch, gpus, trainer } = installed;
  const device = gpus.length > 0 ? `with ${gpus.join(", ")}` : "no GPU was found";
  return { topic, right: true, fact: `PyTorch ${torch}, ${device}; ${trainer} torch --server HOST:PORT starts a trainer` };
}
