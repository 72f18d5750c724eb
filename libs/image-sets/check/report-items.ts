import { counted, list, quote } from "#libs/text";
import { stemOf } from "../items.ts";
import type { Findings } from "../read/findings.ts";
import { imagesOf } from "../read/read-image-set.ts";
import type { ImageSet } from "../types.ts";

/** From this share of images on, equal names in several domains are told of. */
const MANY = 0.5;

/** Where an item is: how many images each domain has of it, and in which classes. */
type Item = { readonly domains: Map<string, number>; readonly classes: Set<string> };

/**
 * Says which items several domains show, where a list names the items, or where files of equal names may be the same thing: those that are of one
 * class wherever they are. Files that are merely numbered have the same names in all classes.
 */
export function reportItems(set: Pick<ImageSet, "groups">, findings: Findings): void {
  const items = new Map<string, Item>();
  const isListed = set.groups.some((group) => group.items !== undefined);
  let images = 0;
  for (const { domain, class: label, name, item = stemOf(name) } of imagesOf(set)) {
    const known: Item = items.get(item) ?? { domains: new Map(), classes: new Set() };
    known.domains.set(domain, (known.domains.get(domain) ?? 0) + 1);
    known.classes.add(label);
    items.set(item, known);
    images++;
  }
  const shared = [...items].filter(([, { domains, classes }]) => domains.size > 1 && (isListed || classes.size === 1));
  const sharing = shared.reduce((sum, [, { domains }]) => sum + [...domains.values()].reduce((all, count) => all + count, 0), 0);
  const [first] = shared;
  if (first === undefined || (!isListed && sharing < MANY * images)) return;
  const [name, { domains }] = first;
  const from = isListed ? "" : ", by the names of their files";
  const advice = isListed ? "" : "if these are the same things, ";
  const where = list([...domains.keys()].slice(0, 2).map((domain) => quote(domain)));
  findings.report(
    "warning",
    "shared-items",
    `${counted(shared.length, "item")} of ${items.size} ${shared.length === 1 ? "is" : "are"} in several domains${from}, such as ${quote(name)} in ${where}: ${advice}hold items out as well as domains (held-out-items in a run file)`,
  );
  reportOdd("in several classes", [...items], ({ classes }) => classes.size > 1, findings);
  reportOdd("in a domain more than once", [...items], (item) => [...item.domains.values()].some((count) => count > 1), findings);
}

function reportOdd(where: string, items: readonly (readonly [string, Item])[], isOdd: (item: Item) => boolean, findings: Findings): void {
  const odd = items.filter(([, item]) => isOdd(item));
  const [first] = odd;
  if (first === undefined) return;
  const message = `${counted(odd.length, "item")} ${odd.length === 1 ? "is" : "are"} ${where}, such as ${quote(first[0])}`;
  findings.report("warning", "repeated-items", message);
}
