import { counted, quote } from "#libs/text";
import type { Findings } from "../read/findings.ts";
import { contentOf } from "../shards/image-index.ts";
import type { ImageGroup, ImageSet } from "../types.ts";
import type { Seen } from "./inspect-set.ts";
import { similarPairs } from "./similar-pairs.ts";

/** Nearly equal images of different domains that are told of one by one. */
const MOST_SIMILAR = 100;

/** Says which images are equal by their bytes, or look nearly equal in two domains. */
export function reportEqual(set: ImageSet, { isThere, sha256, bits }: Seen, findings: Findings): void {
  const rows = rowsOf(set);
  const first = new Map<string, number>();
  const unique: number[] = [];
  for (let row = 0; row < isThere.length; row++) {
    if (isThere[row] === 0) continue;
    const key = contentOf({ sha256 }, row);
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, row);
      unique.push(row);
      continue;
    }
    const [a, b] = [rows(before), rows(row)];
    const why =
      a.group.domain !== b.group.domain
        ? "in two domains: what is learned in one is tested in the other"
        : a.group.class !== b.group.class
          ? "in two classes: one of them is wrong"
          : "in one class: it counts twice";
    findings.report("warning", "equal-images", `${quote(a.name)} and ${quote(b.name)} are the same image, ${why}`);
  }
  const domains = new Map(set.domains.map((name, place) => [name, place]));
  const looks = { bits: new Uint32Array(2 * unique.length), group: new Int32Array(unique.length) };
  for (const [i, row] of unique.entries()) {
    looks.bits.set(bits.subarray(2 * row, 2 * row + 2), 2 * i);
    looks.group[i] = domains.get(rows(row).group.domain)!;
  }
  let told = 0;
  for (const pair of similarPairs(looks)) {
    if (pair === undefined) continue;
    const [a, b] = pair;
    if (told++ === MOST_SIMILAR) {
      findings.report("warning", "similar-images", `more than ${counted(MOST_SIMILAR, "pair")} of images look nearly equal in two domains`);
      break;
    }
    findings.report(
      "warning",
      "similar-images",
      `${quote(rows(unique[a]!).name)} and ${quote(rows(unique[b]!).name)} look nearly equal, in two domains`,
    );
  }
}

/** Finds the group and the name of a row: names are not held twice. */
function rowsOf({ groups }: ImageSet): (row: number) => { readonly group: ImageGroup; readonly name: string } {
  const ends: number[] = [];
  for (const { names } of groups) ends.push((ends.at(-1) ?? 0) + names.length);
  return (row) => {
    let [low, high] = [0, ends.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]! > row) high = middle;
      else low = middle + 1;
    }
    const group = groups[low]!;
    return { group, name: `${group.domain}/${group.class}/${group.names[row - (ends[low]! - group.names.length)]}` };
  };
}
