import { foldSums, type MergeRequest } from "#libs/merging";
import type { Output } from "#libs/model-folders";
import { UsageError } from "#libs/service/process";
import { tensorBytes } from "#libs/tensors";
import type { PreparedMerge } from "./prepared-merge.ts";
import { sumsPathOf } from "./sums-recipe.ts";

/**
 * The same merge, which also keeps the exact sums of its members beside its file. Only of a mean in one file.
 * @throws UsageError for any other
 */
export function withSums(merge: PreparedMerge, request: MergeRequest, { single }: Output): PreparedMerge {
  const { models, digests, method, parametersOf, exclude = new Set() } = request;
  const { merge: common = {}, models: each } = parametersOf?.("") ?? {};
  if (method !== "linear" || common["normalize"] === false || models.some(({ kind }) => kind === "adapter"))
    throw new UsageError("--updatable keeps sums, of which only a weighted mean can be made: leave --method and normalize out");
  if (single === undefined) throw new UsageError("--updatable keeps sums of one file: write to -o FILE.safetensors");
  const members = models.map((model, i) => ({
    model,
    digest: digests[i]!,
    weight: Number(each?.[i]?.["weight"] ?? common["weight"] ?? 1),
  }));
  const numbers = [...models[0]!.tensors].filter(([name]) => !exclude.has(name)).map(([, { shape }]) => tensorBytes("F64", shape));
  const sumsBytes = numbers.reduce((sum, count) => sum + count, 0);
  return {
    ...merge,
    beside: [sumsPathOf(single)],
    needs(threads) {
      const needs = merge.needs(threads);
      const { readBytes, writtenBytes, seconds, steps } = needs;
      const sums = { method: "exact sums", tensors: numbers.length, bytes: readBytes, passes: 1, atMost: false };
      return { ...needs, readBytes: 2 * readBytes, writtenBytes: writtenBytes + sumsBytes, seconds: 3 * seconds, steps: [...steps, sums] };
    },
    async run(options) {
      const { directory, onProgress, threads, fsync, signal } = options;
      const done = await merge.run({ ...options, onProgress: (reading) => onProgress({ ...reading, passes: (reading.passes ?? 1) + 1 }) });
      await foldSums({
        ...{ members, exclude, threads, fsync, signal, output: done.files[0]!.digest },
        to: `${directory}/${sumsPathOf(single)}`,
        onProgress: (reading) => onProgress({ ...reading, pass: 2, passes: 2 }),
      });
      return { ...done, readBytes: 2 * done.readBytes };
    },
  };
}
