import { stat } from "node:fs/promises";
import { canonicalJson, type Digest, digestOf } from "#libs/recipes";
import { ModelError } from "./errors.ts";
import { problem } from "./problem.ts";
import type { ModelFiles } from "./types.ts";

/**
 * What stands for the digest of a model's weights as long as nobody has read them: a digest of what tells its files from others on this
 * machine, and from what they were before they were changed: device, inode, size, and times of change, that of the inode too, which nobody
 * can set back (the kernel counts it in steps of up to ten milliseconds, Deno in seconds). It goes into no recipe. @throws ModelError for files that cannot be found
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { saveFloat32 } from "#libs/tensors";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await writeFile(directory.join("soup.safetensors"), saveFloat32(new Map([["w", { shape: [1], data: Float32Array.of(1) }]])));
 * const model = await openModel(directory.join("soup.safetensors"));
 * (await provisionalDigest(model)) === (await provisionalDigest(model)); // true
 * (await provisionalDigest(model)) === (await weightsDigest(model)); // false
 * ```
 */
export async function provisionalDigest({ files }: Pick<ModelFiles, "files">): Promise<Digest> {
  const identities: string[][] = [];
  for (const { path, size, identity } of files) {
    const { ctimeNs } = await stat(path, { bigint: true }).catch((cause: unknown) => {
      throw new ModelError("missing", `cannot read ${path}: ${problem(cause)}`, { cause });
    });
    identities.push([identity.device, identity.inode, size, identity.mtimeNs, ctimeNs].map(String));
  }
  return digestOf(canonicalJson(["provisional", identities]));
}
