import { isSpdxLicence, joinLicences, licenceAlternatives, UNKNOWN_LICENCE } from "#libs/recipes";
import { hubLicence } from "./hub-licence.ts";

/** What a model was made of, and under which licences that is. */
export type LicensedInput = {
  readonly label: string;
  /** Where it can be found. */
  readonly link?: string;
  readonly licences: readonly string[];
};

/** A file of an input that is about its licence. */
export type LicenceText = { readonly label: string; readonly file: string; readonly text: string };

type LicenceFile = {
  /** What the licence is of. */
  readonly name: string;
  /** Of the result, as a sentence. */
  readonly licence: string;
  readonly inputs: readonly LicensedInput[];
  readonly texts: readonly LicenceText[];
};

/** Whether the model card of a model under these licences links to a file LICENSE beside it. */
export function linksToLicence(licences: readonly string[]): boolean {
  return hubLicence(licences).license_link === "LICENSE";
}

/**
 * The file LICENSE of a model that was made of others: which licence it is under, which ones its inputs are under, where these are to be
 * found, and the texts that came with the inputs, each once.
 */
export function licenceFile({ name, licence, inputs, texts }: LicenceFile): string {
  const labels = new Map<string, string[]>();
  for (const { label, file, text } of texts) {
    const whole = text.trim();
    labels.set(whole, [...(labels.get(whole) ?? []), `${file} of ${label}`]);
  }
  return [
    `Licence of ${line(name)}\n\n${licence}`,
    ["What it was made of:", ...inputs.map(inputLine)].join("\n"),
    ...[...new Set(inputs.flatMap(({ licences }) => licences.flatMap(identifiers)))].sort().map(whereLine),
    ...[...labels].map(([text, from]) => `${"=".repeat(72)}\n${from.map(line).join(", ")}\n${"=".repeat(72)}\n\n${text}`),
    "",
  ].join("\n\n");
}

function inputLine({ label, link, licences }: LicensedInput): string {
  return `- ${line(label)}${link === undefined ? "" : ` (${link})`}: ${line(joinLicences(licences)) || "no licence is stated"}`;
}

/** Names of licences in an expression, without exceptions and what joins them. */
function identifiers(licence: string): string[] {
  return licenceAlternatives(licence).flatMap((names) => names.map((name) => name.split(" WITH ", 1)[0]!));
}

function whereLine(identifier: string): string {
  const listed = identifier.replace(/\+$/, "");
  if (isSpdxLicence(listed)) return `${identifier}: https://spdx.org/licenses/${listed}.html`;
  if (identifier === UNKNOWN_LICENCE) return `${identifier}: nobody has said which licence this is.`;
  return `${line(identifier)}: SPDX does not list it. Its text is where the input is from, and below if it came along.`;
}

/** Names that people chose, on one line. */
function line(text: string): string {
  return text.replace(/\s+/g, " ");
}
