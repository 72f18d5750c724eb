import { isSpdxLicence } from "#libs/recipes";

/** The fields of a model card's front matter that name a licence. */
export type HubLicence = { readonly license: string; readonly license_name?: string; readonly license_link?: string };

/** Identifiers that Hugging Face knows (https://huggingface.co/docs/hub/repositories-licenses), of licences that SPDX knows too. */
const known = new Set(
  `apache-2.0 mit afl-3.0 artistic-2.0 bsl-1.0 bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0
  cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
  cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1
  agpl-3.0 gfdl gpl-2.0 gpl-3.0 lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl mpl-2.0 odc-by odbl osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib
  pddl`.split(/\s+/),
);
/** Licences of its list that SPDX does not know: there they are `LicenseRef-` and this name. */
const hubOnly = new Set(
  `openrail openrail++ bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m deepfloyd-if-license
  llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 gemma grok2-community apple-amlr fair-noncommercial-research-license intel-research
  h-research`.split(/\s+/),
);
/** SPDX identifiers that Hugging Face spells without their version, or calls by another name. */
const renamed: ReadonlyMap<string, string> = new Map([
  ["c-uda-1.0", "c-uda"],
  ["odbl-1.0", "odbl"],
  ["odc-by-1.0", "odc-by"],
  ["pddl-1.0", "pddl"],
  ["licenseref-unknown", "unknown"],
]);

/**
 * Hugging Face's fields for SPDX licences that all apply. The hub has one identifier for one licence of its list; everything else, also
 * several at once, is `other` with a name and a link: to SPDX where that knows the one licence, else to a file LICENSE beside the card
 * (`licenceFile`).
 * @example
 * ```ts
 * hubLicence(["Apache-2.0"]); // { license: "apache-2.0" }
 * hubLicence(["LicenseRef-unknown"]); // { license: "unknown" }
 * hubLicence(["MIT", "Apache-2.0"]).license; // "other"
 * ```
 */
export function hubLicence(licences: readonly string[]): HubLicence {
  const [only, ...others] = licences;
  if (only === undefined) return { license: "unknown" };
  const identifier = hubIdentifier(only);
  if (others.length === 0 && (known.has(identifier) || hubOnly.has(identifier) || identifier === "unknown")) return { license: identifier };
  const inSpdx = others.length === 0 && isSpdxLicence(only);
  return {
    license: "other",
    license_name: licences
      .join(" and ")
      .toLowerCase()
      .replace(/licenseref-/g, "")
      .replace(/[^a-z0-9.+]+/g, "-")
      .replace(/^-|-$/g, ""),
    license_link: inSpdx ? `https://spdx.org/licenses/${only}.html` : "LICENSE",
  };
}

function hubIdentifier(spdx: string): string {
  const lower = spdx.toLowerCase().replace(/-(?:only|or-later)$/, "");
  const own = lower.replace(/^licenseref-/, "");
  if (hubOnly.has(own)) return own;
  return renamed.get(lower) ?? (lower.startsWith("gfdl-") ? "gfdl" : lower);
}
