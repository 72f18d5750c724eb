import { joinExpressions, licenceAlternatives, splitLicences } from "./licence-expression.ts";
import { type LicenceTerms, licenceTerms, spdxLicence } from "./licence-terms.ts";

/**
 * The licences of everything that went into an artifact: the union over its inputs, sorted.
 * @example
 * ```ts
 * foldLicences([["MIT"], ["Apache-2.0", "MIT"]]); // ["Apache-2.0", "MIT"]
 * ```
 */
export function foldLicences(inputs: Iterable<readonly string[]>): string[] {
  return [...new Set([...inputs].flat())].sort();
}

/** The licence of something of which nothing is known. */
export const UNKNOWN_LICENCE = "LicenseRef-unknown";

/**
 * The licences of what is made of several models. One that names none leaves the licence of the whole unknown, and does not vanish from
 * the list.
 * @example
 * ```ts
 * combineLicences([["MIT"], []]); // ["LicenseRef-unknown", "MIT"]
 * ```
 */
export function combineLicences(models: readonly (readonly string[])[]): string[] {
  return foldLicences(models.map((licences) => (licences.length > 0 ? licences : [UNKNOWN_LICENCE])));
}

/**
 * An SPDX expression that names them all. All of them apply, so they are joined by AND.
 * @example
 * ```ts
 * joinLicences(["MIT", "Apache-2.0 OR GPL-2.0-only"]); // "(Apache-2.0 OR GPL-2.0-only) AND MIT"
 * ```
 */
export function joinLicences(licences: readonly string[]): string {
  return joinExpressions(foldLicences([licences]));
}

/** The licence of what is made of several models, as an SPDX expression, or a sentence that says why there is none. */
export type ResultLicence =
  | { readonly licence: string; readonly nonCommercial: boolean; readonly why?: never }
  | { readonly licence?: never; readonly why: string };

const NOT_A_LICENCE = new Set(["", "unknown", "other", "none", "licenseref-unknown", "licenseref-other", "noassertion"]);

/**
 * What a model may be passed on under that is made of several, by the table of libs/recipes/licence-terms.ts. It is a reader's aid, not
 * legal advice: where the table is in doubt, the answer is "none", with the reason. `docs/licences.md` says how it decides.
 * @param licences for each model the licences that all apply to it, as SPDX identifiers or Hugging Face's names; `A OR B` leaves a choice.
 * @param names what the models are called in the reason.
 * @example
 * ```ts
 * resultLicence([["mit"], ["cc-by-nc-4.0"]]); // { licence: "CC-BY-NC-4.0 AND MIT", nonCommercial: true }
 * resultLicence([["mit"], []], ["a", "b"]).licence; // undefined
 * ```
 */
export function resultLicence(licences: readonly (readonly string[])[], names: readonly string[] = []): ResultLicence {
  const nameOf = (model: number) => names[model] ?? `models[${model}]`;
  const applying = licences.map((list) => list.flatMap(splitLicences));
  const silent = applying.flatMap((list, model) => (list.some((licence) => !isNoLicence(licence)) ? [] : [nameOf(model)]));
  if (silent.length > 0) return { why: `${silent.join(", ")} ${silent.length === 1 ? "names" : "name"} no licence` };
  const vague = applying.findIndex((list) => list.some(isNoLicence));
  if (vague >= 0) return { why: `${nameOf(vague)} names a licence that is not known` };
  const choices = foldLicences(applying).map(licenceAlternatives);
  let first: ResultLicence | undefined;
  for (const chosen of combinations(choices)) {
    const result = combine([...new Set(chosen.flat().map(spdxLicence))].sort());
    if (result.licence !== undefined) return result;
    first ??= result;
  }
  return first ?? { why: "there is no model" };
}

function isNoLicence(licence: string): boolean {
  return NOT_A_LICENCE.has(licence.trim().toLowerCase());
}

// More choices than anybody offers: what is beyond is not tried.
const MOST_COMBINATIONS = 1024;

/** One of each list, in every combination. */
function* combinations<T>(choices: readonly (readonly T[])[]): Generator<T[]> {
  const count = choices.reduce((product, options) => product * options.length, 1);
  for (let index = 0; index < Math.min(count, MOST_COMBINATIONS); index++) {
    let rest = index;
    yield choices.map((options) => {
      const choice = options[rest % options.length]!;
      rest = Math.floor(rest / options.length);
      return choice;
    });
  }
}

function combine(licences: readonly string[]): ResultLicence {
  const terms: LicenceTerms[] = [];
  for (const licence of licences) {
    const known = licenceTerms(licence);
    if (known) terms.push(known);
    // One licence alone asks for nothing that it does not allow, unless it forbids what is made of its works: that is not known here.
    else if (licences.length > 1) return { why: `what goes with ${licence} is not known` };
    else return { why: `whether ${licence} allows models made of its models is not known` };
  }
  const forbidding = terms.find(({ kind }) => kind === "no-derivatives");
  if (forbidding) return { why: `${forbidding.spdx} forbids passing on what is made of its works, and an average is` };
  const own = terms.filter(({ kind }) => kind === "own-terms");
  if (own.length > 1) return { why: `${listed(own)} have terms of their own; whether they go together is not known` };
  const nonCommercial = terms.some((term) => term.nonCommercial === true);
  const shareAlike = terms.filter(({ kind }) => kind === "share-alike");
  if (shareAlike.length === 0) return { licence: joinLicences(licences), nonCommercial };
  const covering = [...new Set(shareAlike.flatMap(({ spdx, into = [] }) => [spdx, ...into]))].find((licence) => accepts(licence, terms));
  if (covering === undefined) return { why: whyNot(shareAlike, terms) };
  const notices = terms.filter(({ kind }) => kind !== "share-alike").map(({ spdx }) => spdx);
  return { licence: joinLicences([covering, ...notices]), nonCommercial };
}

/** True where works under all these terms may together be under one share-alike licence. */
function accepts(covering: string, terms: readonly LicenceTerms[]): boolean {
  return terms.every((term) => conflict(covering, term) === undefined);
}

/** Why a share-alike licence cannot cover a work under some terms. */
function conflict(covering: string, term: LicenceTerms): string | undefined {
  if (term.spdx === covering) return undefined;
  if (term.kind === "share-alike") {
    return term.into?.includes(covering) ? undefined : `${term.spdx} and ${covering} each want the whole under themselves`;
  }
  if (term.nonCommercial && licenceTerms(covering)?.nonCommercial !== true) {
    return `${term.spdx} allows no commercial use, and ${covering} no such restriction`;
  }
  if (term.kind === "own-terms") return `${term.spdx} restricts use in its own terms, and ${covering} allows no further restriction`;
  return term.notInto?.includes(withoutException(covering)) ? `${covering} does not accept the conditions of ${term.spdx}` : undefined;
}

function withoutException(licence: string): string {
  return licence.split(" WITH ", 1)[0]!;
}

function whyNot(shareAlike: readonly LicenceTerms[], terms: readonly LicenceTerms[]): string {
  for (const { spdx } of shareAlike) {
    for (const term of terms) {
      const reason = conflict(spdx, term);
      if (reason !== undefined) return reason;
    }
  }
  return `${listed(terms)} do not go together`;
}

function listed(terms: readonly LicenceTerms[]): string {
  return terms.map(({ spdx }) => spdx).join(" and ");
}
