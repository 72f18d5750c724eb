import { stringify } from "yaml";
import { joinLicences, splitLicences } from "#libs/recipes";
import { hubLicence, type LicenceText, licenceFile, linksToLicence } from "#libs/reporting";
import { counted } from "#libs/text";
import { isHubName } from "./hub-name.ts";
import type { MergeFacts, Parent } from "./merge-facts.ts";

type CardOptions = {
  readonly name: string;
  readonly library: string | undefined;
  readonly isAdapter: boolean;
  readonly hasLicenceFile?: boolean;
};

/**
 * README.md of a merged model, in the form of Hugging Face's model cards: YAML front matter, then what was merged of what, under which
 * licence, and how to make it again.
 * @param library which library loads it, for example "transformers".
 * @param hasLicenceFile whether a file LICENSE goes beside it (`mergeLicence`).
 */
export function mergeCard(facts: MergeFacts, { name, library, isAdapter, hasLicenceFile = false }: CardOptions): string {
  const { method, models, base, licence, configuration } = facts;
  return [
    `---\n${frontMatter(facts, library, isAdapter)}---`,
    `# ${plain(name)}`,
    `A merge of ${counted(models.length, "model")}${base ? ` and their base` : ""}, without any training of its own. Method: ${plain(method.title)}${reference(method)}.`,
    `\`\`\`\n${method.formula}\n\`\`\``,
    "## What was merged",
    parents(facts),
    "## Licence",
    `${plain(licenceSentence(licence))}${hasLicenceFile ? " See [LICENSE](LICENSE)." : ""}`,
    "## Make it again",
    ...(configuration === undefined
      ? []
      : [`\`\`\`yaml\n${configuration.trimEnd()}\n\`\`\``, "`ratatouille merge` takes this configuration."]),
    "`recipe.json` says how it was made, and has the digests of what went in; the same inputs give the same bytes.",
    "",
  ].join("\n\n");
}

/**
 * The file LICENSE beside the card: where the card links to it, or texts came with the inputs that have to be passed on with the model.
 * Undefined where there is nothing that the card does not say.
 */
export function mergeLicence({ models, base, licence }: MergeFacts, name: string, texts: readonly LicenceText[]): string | undefined {
  const licences = "expression" in licence ? splitLicences(licence.expression) : [];
  if (texts.length === 0 && !linksToLicence(licences)) return undefined;
  const parents = [...models, ...(base ? [base] : [])].flatMap((parent) => parent.parts ?? [parent]);
  const inputs = parents.map(({ label, hub, licences }) => ({
    label,
    licences,
    ...(hub ? { link: `https://huggingface.co/${hub}` } : {}),
  }));
  const own = [...new Map(inputs.map((input) => [JSON.stringify(input), input])).values()];
  return licenceFile({ name, licence: licenceSentence(licence), inputs: own, texts });
}

function licenceSentence(licence: MergeFacts["licence"]): string {
  return "expression" in licence
    ? `${licence.expression}, as follows from the licences of what went in.`
    : `None is known: ${licence.why}. Whoever passes this model on has to find out.`;
}

function frontMatter({ method, models, base, licence, foundation }: MergeFacts, library: string | undefined, isAdapter: boolean): string {
  // Only names that the hub can resolve: it takes others for mistakes.
  const hubs = [
    ...new Set([...(base ? [base] : []), ...models].flatMap((parent) => [parent, ...(parent.parts ?? [])]).flatMap(({ hub }) => hub ?? [])),
  ];
  const known = hubs.length > 0 && !isAdapter ? hubs : foundation?.includes("/") && isHubName(foundation) ? [foundation] : [];
  return stringify({
    ...hubLicence("expression" in licence ? splitLicences(licence.expression) : []),
    ...(known.length > 0 ? { base_model: known, base_model_relation: isAdapter ? "adapter" : "merge" } : {}),
    ...(library === undefined ? {} : { library_name: library }),
    tags: ["merge", "weight-averaging", "ratatouille", method.name.replaceAll("_", "-")],
  });
}

function reference({ paper }: MergeFacts["method"]): string {
  return paper ? ` (${plain(paper.authors)}, [${plain(paper.title)}](${paper.link}), ${paper.year})` : "";
}

function parents({ models, base }: MergeFacts): string {
  const weighted = models.some(({ weight }) => weight !== undefined);
  const head = ["model", ...(weighted ? ["weight"] : []), "licence", "sha-256 of the weights"];
  const row = (parent: Parent, remark = "") => [
    `${parent.hub ? `[${plain(parent.label)}](https://huggingface.co/${parent.hub})` : plain(parent.label)}${remark}`,
    ...(weighted ? [parent.weight === undefined ? "" : String(parent.weight)] : []),
    plain(joinLicences(parent.licences)) || "none stated",
    `\`${parent.digest}\``,
  ];
  const parts = ({ parts = [] }: Parent) => parts.map((part) => row({ ...part, label: `↳ ${part.label}` }));
  const rows = [
    head,
    head.map(() => "---"),
    ...models.flatMap((model) => [row(model), ...parts(model)]),
    ...(base ? [row(base, " (base)")] : []),
  ];
  return rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Names that people chose, without what Markdown would read as more than text. */
function plain(text: string): string {
  return text.replace(/[\\`*_[\]<>|#]/g, (character) => `\\${character}`).replace(/\s+/g, " ");
}
