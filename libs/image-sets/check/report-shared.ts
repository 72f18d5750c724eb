import { finish } from "#libs/concurrency";
import { quote } from "#libs/text";
import { imageLeaks, type SeenImages } from "../leaks.ts";
import type { Findings } from "../read/findings.ts";
import { imagesOf } from "../read/read-image-set.ts";
import { createIndexBuilder, SHA256_BYTES } from "../shards/image-index.ts";
import type { ImageSet } from "../types.ts";
import type { Seen } from "./inspect-set.ts";

type Inspected = { readonly set: ImageSet; readonly seen: Seen };

/** Says which images of a set another folder holds, too: the same, or such that look nearly equal. */
export function reportShared(target: Inspected, other: Inspected, findings: Findings): void {
  const own = imagesSeen("this folder", target);
  for (const { severity, message } of finish(imageLeaks(own, [imagesSeen(`the folder ${quote(other.set.path)}`, other)]))) {
    // What is trained on the other folder and tested on this one is refused; the folder itself may be used.
    findings.report("warning", severity === "error" ? "equal-images" : "similar-images", message);
  }
}

/** The images that could be read. */
function imagesSeen(label: string, { set, seen }: Inspected): SeenImages {
  const [domains, classes] = [set.domains, set.classes].map((names) => new Map(names.map((name, place) => [name, place])));
  const builder = createIndexBuilder();
  const looks: number[] = [];
  let row = 0;
  for (const image of imagesOf(set)) {
    if (seen.isThere[row] === 1) {
      const sha256 = seen.sha256.subarray(row * SHA256_BYTES, (row + 1) * SHA256_BYTES);
      const place = { domain: domains!.get(image.domain)!, class: classes!.get(image.class)! };
      builder.add({ ...place, shard: 0, offset: 0, bytes: 0, sha256, name: image.name });
      looks.push(seen.bits[2 * row]!, seen.bits[2 * row + 1]!);
    }
    row++;
  }
  return {
    label,
    digests: [],
    index: builder.build({ domains: set.domains, classes: set.classes, shards: [] }),
    looks: Uint32Array.from(looks),
  };
}
