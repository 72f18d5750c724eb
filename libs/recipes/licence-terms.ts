/**
 * What matters of a licence when a model is made of several.
 * permissive: asks for notices at most.
 * share-alike: what is made of it is under the same licence, or under one of `into`.
 * no-derivatives: what is made of it may not be passed on. An average is made of its models.
 * own-terms: restrictions that go on to what is made of it, in words that no other licence has (Llama, Gemma, OpenRAIL).
 * `nonCommercial` may stand beside each of them.
 */
export type LicenceTerms = {
  /** As SPDX spells it; `LicenseRef-` and the name of Hugging Face where SPDX has none. */
  readonly spdx: string;
  readonly kind: "permissive" | "share-alike" | "no-derivatives" | "own-terms";
  readonly nonCommercial?: boolean;
  /** Share-alike licences that it lets its works go over to. */
  readonly into?: readonly string[];
  /** Share-alike licences that do not accept its conditions. */
  readonly notInto?: readonly string[];
};

const GPL2 = ["GPL-2.0-only", "GPL-2.0-or-later"];
const GPL3 = ["GPL-3.0-only", "GPL-3.0-or-later"];
const AGPL3 = ["AGPL-3.0-only", "AGPL-3.0-or-later"];
const LGPL3 = ["LGPL-3.0-only", "LGPL-3.0-or-later"];
const LGPL21 = ["LGPL-2.1-only", "LGPL-2.1-or-later"];
const GNU = [...GPL2, ...GPL3, ...AGPL3, ...LGPL3, ...LGPL21];

const TABLE: readonly LicenceTerms[] = [
  // No condition but notices. Which of them the GNU licences accept: https://www.gnu.org/licenses/license-list.html
  ...names("CC0-1.0 Unlicense 0BSD PDDL-1.0 WTFPL MIT MIT-0 BSD-2-Clause BSD-3-Clause ISC Zlib BSL-1.0 NCSA PostgreSQL CC-BY-4.0", {
    kind: "permissive",
  }),
  ...names("BSD-3-Clause-Clear ODC-By-1.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0 etalab-2.0 OpenMDW-1.0", { kind: "permissive" }),
  // Patent clauses that version 2 of the GNU licences does not accept: https://www.apache.org/licenses/GPL-compatibility.html
  ...names("Apache-2.0 ECL-2.0", { kind: "permissive", notInto: ["GPL-2.0-only", "LGPL-2.1-only"] }),
  ...names("AFL-3.0 MS-PL CC-BY-2.0 CC-BY-2.5 CC-BY-3.0", { kind: "permissive", notInto: GNU }),

  // https://www.gnu.org/licenses/gpl-faq.html#AllCompatibility
  ...names("GPL-2.0-only", { kind: "share-alike" }),
  ...names("GPL-2.0-or-later", { kind: "share-alike", into: ["GPL-2.0-only", ...GPL3, ...AGPL3] }),
  ...names("GPL-3.0-only", { kind: "share-alike", into: AGPL3 }),
  ...names("GPL-3.0-or-later", { kind: "share-alike", into: ["GPL-3.0-only", ...AGPL3] }),
  ...names("AGPL-3.0-only", { kind: "share-alike" }),
  ...names("AGPL-3.0-or-later", { kind: "share-alike", into: ["AGPL-3.0-only"] }),
  ...names("LGPL-2.1-only", { kind: "share-alike", into: [...GPL2, ...GPL3, ...AGPL3] }),
  ...names("LGPL-2.1-or-later", { kind: "share-alike", into: ["LGPL-2.1-only", ...LGPL3, ...GPL2, ...GPL3, ...AGPL3] }),
  ...names("LGPL-3.0-only", { kind: "share-alike", into: [...GPL3, ...AGPL3] }),
  ...names("LGPL-3.0-or-later", { kind: "share-alike", into: ["LGPL-3.0-only", ...GPL3, ...AGPL3] }),
  // Section 3.3, "secondary licenses": https://www.mozilla.org/MPL/2.0/combining-mpl-and-gpl/
  ...names("MPL-2.0", { kind: "share-alike", into: [...GPL2, ...LGPL21, ...GPL3, ...LGPL3, ...AGPL3] }),
  // Its appendix: https://eupl.eu/1.2/en/
  ...names("EUPL-1.2", { kind: "share-alike", into: [...GPL2, ...GPL3, ...AGPL3, ...LGPL21, ...LGPL3, "MPL-2.0", "OSL-3.0", "EPL-1.0"] }),
  ...names("EUPL-1.1", { kind: "share-alike", into: ["EUPL-1.2", "GPL-2.0-only", "OSL-3.0", "EPL-1.0"] }),
  ...names("EPL-1.0", { kind: "share-alike", into: ["EPL-2.0"] }),
  ...names("EPL-2.0 OSL-3.0 ODbL-1.0 CDLA-Sharing-1.0", { kind: "share-alike" }),
  // https://creativecommons.org/share-your-work/licensing-considerations/compatible-licenses/
  ...names("CC-BY-SA-2.0 CC-BY-SA-2.5", { kind: "share-alike", into: ["CC-BY-SA-3.0", "CC-BY-SA-4.0"] }),
  ...names("CC-BY-SA-3.0", { kind: "share-alike", into: ["CC-BY-SA-4.0"] }),
  ...names("CC-BY-SA-4.0", { kind: "share-alike", into: ["GPL-3.0-only"] }),

  // https://creativecommons.org/faq/#can-i-combine-material-under-different-creative-commons-licenses-in-my-work
  ...names("CC-BY-NC-2.0 CC-BY-NC-3.0 CC-BY-NC-4.0", { kind: "permissive", nonCommercial: true }),
  ...names("CC-BY-NC-SA-2.0", { kind: "share-alike", nonCommercial: true, into: ["CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0"] }),
  ...names("CC-BY-NC-SA-3.0", { kind: "share-alike", nonCommercial: true, into: ["CC-BY-NC-SA-4.0"] }),
  ...names("CC-BY-NC-SA-4.0", { kind: "share-alike", nonCommercial: true }),
  ...names("CC-BY-ND-2.0 CC-BY-ND-3.0 CC-BY-ND-4.0", { kind: "no-derivatives" }),
  ...names("CC-BY-NC-ND-2.0 CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0", { kind: "no-derivatives", nonCommercial: true }),

  // Hugging Face's names: https://huggingface.co/docs/hub/repositories-licenses
  ...ownTerms("openrail openrail++ bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m", {}),
  ...ownTerms("llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 gemma grok2-community", {}),
  ...ownTerms("apple-amlr fair-noncommercial-research-license intel-research h-research deepfloyd-if-license", { nonCommercial: true }),
];

/** Other spellings, in lower case: SPDX's old ones and those of Hugging Face. A GNU licence without "or later" is taken at its word. */
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ["gpl-2.0", "gpl-2.0-only"],
  ["gpl-2.0+", "gpl-2.0-or-later"],
  ["gpl-3.0", "gpl-3.0-only"],
  ["gpl-3.0+", "gpl-3.0-or-later"],
  ["agpl-3.0", "agpl-3.0-only"],
  ["lgpl-2.1", "lgpl-2.1-only"],
  ["lgpl-3.0", "lgpl-3.0-only"],
  ["odbl", "odbl-1.0"],
  ["odc-by", "odc-by-1.0"],
  ["pddl", "pddl-1.0"],
]);

const byLowerCase = new Map(TABLE.map((terms) => [terms.spdx.toLowerCase(), terms]));

/**
 * What is known of a licence, by its SPDX identifier or by Hugging Face's name for it, in upper or lower case. `X WITH Y` has the terms of
 * X: an exception allows more, and whoever passes the work on may leave it out.
 * @example
 * ```ts
 * licenceTerms("apache-2.0")?.kind; // "permissive"
 * licenceTerms("llama3.1")?.kind; // "own-terms"
 * licenceTerms("mine"); // undefined
 * ```
 */
export function licenceTerms(name: string): LicenceTerms | undefined {
  const [licence = "", exception] = name.trim().split(/\s+WITH\s+/);
  const lower = licence.toLowerCase();
  const terms = byLowerCase.get(SPELLINGS.get(lower) ?? lower) ?? byLowerCase.get(`licenseref-${lower}`);
  if (terms === undefined || exception === undefined) return terms;
  const into = terms.kind === "share-alike" ? { into: [terms.spdx, ...(terms.into ?? [])] } : {};
  return { ...terms, spdx: `${terms.spdx} WITH ${exception}`, ...into };
}

/**
 * A licence as SPDX spells it, where it is known; else as it was given.
 * @example
 * ```ts
 * spdxLicence("apache-2.0"); // "Apache-2.0"
 * spdxLicence("llama3.1"); // "LicenseRef-llama3.1"
 * ```
 */
export function spdxLicence(name: string): string {
  return licenceTerms(name)?.spdx ?? name.trim();
}

function names(list: string, terms: Omit<LicenceTerms, "spdx">): LicenceTerms[] {
  return list.split(" ").map((spdx) => ({ spdx, ...terms }));
}

function ownTerms(list: string, terms: { readonly nonCommercial?: boolean }): LicenceTerms[] {
  return list.split(" ").map((name) => ({ spdx: `LicenseRef-${name}`, kind: "own-terms", ...terms }));
}
