import { didYouMean, quote } from "#libs/text";
import { ImageSetError } from "../errors.ts";
import { createIndexBuilder, type ImageIndex, rowOf } from "./image-index.ts";

/** What a subset keeps: everything where nothing is named. */
export type SubsetSpec = { readonly domains?: readonly string[] | undefined; readonly classes?: readonly string[] | undefined };

/**
 * A new index over the same shards, of some domains and some classes: in the order in which the index has them, whatever the order in
 * which they are named. Shards of which no row is left are not in it.
 * @throws ImageSetError for a domain or a class that there is not, one that is named twice, and where no image is left
 */
export function subsetOfIndex(index: ImageIndex, spec: SubsetSpec): ImageIndex {
  const domains = kept("domain", index.domains, spec.domains);
  const classes = kept("class", index.classes, spec.classes);
  // By place in the index, the place in the subset: -1 for what is left out.
  const domainPlaces = index.domains.map((name) => domains.indexOf(name));
  const classPlaces = index.classes.map((name) => classes.indexOf(name));
  const shards = new Map<number, number>();
  const builder = createIndexBuilder();
  let count = 0;
  for (let i = 0; i < index.count; i++) {
    const domain = domainPlaces[index.domain[i]!]!;
    const label = classPlaces[index.class[i]!]!;
    if (domain < 0 || label < 0) continue;
    const row = rowOf(index, i);
    const shard = shards.get(row.shard) ?? shards.size;
    shards.set(row.shard, shard);
    builder.add({ ...row, domain, class: label, shard });
    count++;
  }
  if (count === 0) throw new ImageSetError("no image is in one of the domains and of one of the classes that are named");
  return builder.build({ of: index.of, domains, classes, shards: [...shards.keys()].map((shard) => index.shards[shard]!) });
}

function kept(what: "domain" | "class", all: readonly string[], some: readonly string[] | undefined): readonly string[] {
  if (some === undefined) return all;
  for (const [i, name] of some.entries()) {
    if (!all.includes(name))
      throw new ImageSetError(`there is no ${what} ${quote(name)}; ${didYouMean(name, all, `there are ${all.join(", ")}`)}`);
    if (some.indexOf(name) !== i) throw new ImageSetError(`the ${what} ${quote(name)} is named twice`);
  }
  return all.filter((name) => some.includes(name));
}
