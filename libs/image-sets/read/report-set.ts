import { join } from "node:path";
import { counted, list, quote } from "#libs/text";
import type { ImageSet } from "../types.ts";
import type { Findings } from "./findings.ts";

/** A class with fewer images in a domain is told of: a fifth of them, at least one, is needed for validation. */
const FEW_IMAGES = 5;
const EXPECTED = "expected domain/class/image";
const SHOWN = 5;

/** What has been read, as far as it is counted. */
export type Counted = {
  readonly domains: readonly string[];
  readonly classes: readonly string[];
  readonly groups: readonly { readonly domain: string; readonly class: string; readonly count: number }[];
};

/** Says what is missing in a set of images that has been read: domains, classes, images. @param classes all that there should be */
export function reportSet(set: Omit<ImageSet, "problems">, classes: readonly string[], findings: Findings): void {
  reportDomains(set, findings);
  const groups = set.groups.map(({ names, ...group }) => ({ ...group, count: names.length }));
  reportCounts({ domains: set.domains, classes, groups }, findings);
}

/** Says which classes are missing or small, and which names hardly differ. @param set `classes` all that there should be @param thing what is counted */
export function reportCounts(set: Counted, findings: Findings, thing = "image"): void {
  reportClasses(set, findings, thing);
  reportSimilarNames("domain", set.domains, findings);
  reportSimilarNames("class", set.classes, findings);
}

function reportDomains({ path, domains, groups }: Omit<ImageSet, "problems">, findings: Findings): void {
  if (domains.length !== 1 || groups.length === 0) return;
  const [domain = ""] = domains;
  // The folders of PACS lie in one more folder than they need.
  const deeper = groups.every(({ names }) => names.every((name) => name.includes("/")));
  const hint = deeper
    ? `did you mean ${quote(join(path, domain))}, in which ${named(groups.map((group) => group.class))} may be the domains?`
    : "nothing can be held out, so it can be an auxiliary task, and no target with held-out domains";
  findings.report("warning", "one-domain", `${path} has one domain, ${quote(domain)}: ${hint}`);
}

function reportClasses({ domains, classes, groups }: Counted, findings: Findings, thing: string): void {
  const counts = new Set(groups.map((group) => `${group.domain}/${group.class}`));
  const inDomains = domains.filter((domain) => groups.some((group) => group.domain === domain));
  for (const name of classes) {
    const without = inDomains.filter((domain) => !counts.has(`${domain}/${name}`));
    if (without.length === inDomains.length) {
      if (inDomains.length > 0)
        findings.report("warning", "class-missing", `the class ${quote(name)} has no ${thing} in any domain: it is left out`);
    } else if (without.length > 0) {
      findings.report(
        "warning",
        "class-missing",
        `the class ${quote(name)} has no ${thing} in the ${without.length === 1 ? "domain" : "domains"} ${named(without)}`,
      );
    }
  }
  const small = groups.filter(({ count }) => count < FEW_IMAGES);
  for (const group of small) {
    findings.report(
      "warning",
      "small-class",
      `the class ${quote(group.class)} has only ${counted(group.count, thing)} in the domain ${quote(group.domain)}`,
    );
  }
  if (classes.length === 1) findings.report("error", "no-images", `there is one class only, ${quote(classes[0]!)}: expected two or more`);
}

/** "Dog" and "dog " are two names, and hardly two things. */
function reportSimilarNames(what: string, names: readonly string[], findings: Findings): void {
  const known = new Map<string, string>();
  for (const name of names) {
    const plain = name.normalize("NFKC").trim().toLowerCase();
    const before = known.get(plain);
    if (before === undefined) known.set(plain, name);
    else findings.report("warning", "similar-names", `${what} ${quote(before)} and ${what} ${quote(name)} are two: is one of them a slip?`);
  }
}

/** What to say of a folder in which nothing was found as it should be; undefined where domains were found. */
export function whyNoDomains(
  path: string,
  loose: number,
  looseDomains: readonly string[],
): { kind: "images-in-root" | "no-domains" | "no-images"; message: string } {
  if (looseDomains.length > 0) {
    const these = looseDomains.length === 1 ? "folder" : "folders";
    return {
      kind: "no-domains",
      message: `the ${these} ${named(looseDomains)} in ${path} hold images and no folders of classes: ${EXPECTED}; if they are classes, put them into one folder, with the name of their domain`,
    };
  }
  if (loose > 0)
    return { kind: "images-in-root", message: `${counted(loose, "image")} ${loose === 1 ? "lies" : "lie"} right in ${path}: ${EXPECTED}` };
  return { kind: "no-images", message: `there is no image in ${path}: ${EXPECTED}` };
}

function named(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => quote(name));
  return names.length > SHOWN ? `${shown.join(", ")} and ${names.length - SHOWN} more` : list(shown);
}
