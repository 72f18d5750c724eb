import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { ModelFiles } from "#libs/models";
import { type Finding, finding } from "./report.ts";
import { isAgreeing } from "./structure.ts";

const CHUNK = 1 << 20;

/** Tensors of whole numbers have to be the same in all models, save for counters, of which the largest is taken. Reads them. */
export async function compareWholeNumbers(
  all: readonly ModelFiles[],
  exclude: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Finding[]> {
  const [first, ...others] = all;
  const differing: string[] = [];
  for (const [name, { dtype, shape }] of first?.tensors ?? []) {
    if (!isAgreeing(dtype) || exclude.has(name) || /(^|\.)num_batches_tracked$/.test(name)) continue;
    const places = others.map(({ tensors }) => tensors.get(name));
    // Where types or shapes differ that is a finding already.
    if (places.some((place) => place === undefined || place.dtype !== dtype || place.shape.join() !== shape.join())) continue;
    const hashes = new Set<string>();
    for (const model of all) hashes.add(await hashOf(model, name, signal));
    if (hashes.size > 1) differing.push(name);
  }
  if (differing.length === 0) return [];
  const count = differing.length === 1 ? "One tensor holds" : `${differing.length} tensors hold`;
  const sentence = `${count} whole numbers that have to agree in all models, and they differ: --exclude leaves ${differing.length === 1 ? "it" : "them"} out.`;
  return [finding("error", "agree", sentence, { tensors: differing, models: all.map(({ name }) => name) })];
}

async function hashOf({ tensors, files }: ModelFiles, name: string, signal: AbortSignal): Promise<string> {
  const { file, offset, length } = tensors.get(name)!;
  const hash = createHash("sha256");
  await using handle = await open(files[file]!.path);
  const chunk = new Uint8Array(Math.min(CHUNK, length));
  for (let done = 0; done < length; ) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, length - done), offset + done);
    if (bytesRead === 0) throw new Error(`${files[file]!.path} was changed while it was read`);
    hash.update(chunk.subarray(0, bytesRead));
    done += bytesRead;
  }
  return hash.digest("hex");
}
