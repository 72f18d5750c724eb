import { type MergeProgress, type MergeResult, planMerge, runMerge } from "#libs/merging";
import { openModel, weightsDigest } from "#libs/models";

/**
 * Makes a merge of some models, the first of them the base unless it is a linear one. It journals all the time, and tells which share of
 * the work is done.
 */
export async function mergeOnce(
  directory: string,
  method: string,
  paths: readonly string[],
  onShare?: (share: number) => void,
): Promise<MergeResult> {
  const { signal } = new AbortController();
  const models = await Promise.all(paths.map((path) => openModel(path)));
  const digests = await Promise.all(models.map((model) => weightsDigest(model, { signal })));
  const [base, ...others] = models;
  const [baseDigest, ...otherDigests] = digests;
  const plan =
    method === "linear"
      ? planMerge({ method, models, digests, single: "out.safetensors" })
      : planMerge({ method, models: others, digests: otherDigests, base: base!, baseDigest: baseDigest!, single: "out.safetensors" });
  const onProgress = ({ readBytes, totalBytes }: MergeProgress) => onShare?.(readBytes / totalBytes);
  return runMerge(plan, { directory, threads: 2, inlineBytes: 0, journalMs: 0, signal, onProgress });
}
