import { quote } from "#libs/text";
import { isSpdxLicence, licenceAlternatives, splitLicences } from "./licence-expression.ts";
import { spdxLicence } from "./licence-terms.ts";

/**
 * The licences of an SPDX expression, each of which applies: names of SPDX's list, Hugging Face's names, and `LicenseRef-` for others.
 * @throws RangeError for a name that is none of these
 * @example
 * ```ts
 * readLicences("apache-2.0 AND (MIT OR LicenseRef-mine)"); // ["Apache-2.0", "MIT OR LicenseRef-mine"]
 * ```
 */
export function readLicences(expression: string): string[] {
  const licences = splitLicences(expression).map((part) => spdxLicence(part));
  const names = licences.flatMap((licence) => licenceAlternatives(licence).flat());
  const stranger = names.find((name) => !isKnown(name));
  if (stranger === undefined && names.length > 0) return licences;
  throw new RangeError(`${quote(stranger ?? "")} is no licence of https://spdx.org/licenses; write LicenseRef-… for one that is not there`);
}

function isKnown(name: string): boolean {
  const [licence = ""] = name.split(/\s+WITH\s+/);
  return /^LicenseRef-[\w.-]+$/.test(licence) || isSpdxLicence(spdxLicence(licence));
}
