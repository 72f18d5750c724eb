import { stringify } from "yaml";
import { joinLicences } from "#libs/recipes";
import { heldOutItemsText } from "./held-out-items.ts";
import { hubLicence } from "./hub-licence.ts";
import { type LicenceText, licenceFile, linksToLicence } from "./licence-file.ts";
import type { Loading } from "./loading.ts";
import { methodTexts } from "./methods.ts";
import type { Cell, Report } from "./report.ts";
import { cellResults } from "./results.ts";
import { points } from "./words.ts";

export type ModelCardOptions = {
  readonly report: Report;
  readonly seed: number;
  readonly heldOut: string;
  /** Digest of the averaged model, the one that `ratatouille lineage` takes. */
  readonly model: string;
  /** Digest of the file `model.safetensors`. */
  readonly weights: string;
  readonly loading: Loading;
};

/**
 * README.md of an averaged model, in the form of Hugging Face's model cards: YAML front matter, then what was averaged, how good it is,
 * how to load it and how to make it again.
 * @throws RangeError if the report has no such model.
 */
export function modelCard(options: ModelCardOptions): string {
  const { report, seed, heldOut } = options;
  const cell = report.cells.find((candidate) => candidate.seed === seed && candidate.heldOut === heldOut);
  const accuracy = cell?.averages.find(({ method }) => method === "recycling")?.accuracy;
  if (cell === undefined || accuracy === undefined)
    throw new RangeError(`The report has no recycled model for seed ${seed} with ${heldOut} held out`);
  return [
    `---\n${frontMatter(options, accuracy)}---`,
    `# ${plain(report.name)}: recycled model, seed ${seed}, ${heldOut} held out`,
    `The average of the weights of ${members(cell).length} fine-tunings of one foundation model on *${plain(report.task.name)}*, each started from the foundation or from one of its fine-tunings on an auxiliary task (model recycling, Ramé et al., ICML 2023). It is one network: as fast as any of them.`,
    "## Scores",
    scores(report, cell),
    "## What was averaged",
    averaged(cell),
    "## Load it",
    options.loading.text,
    ...(options.loading.foreign ? [`It was trained by a trainer with this network, on ${plain(report.task.backend)}.`] : []),
    "## Make it again",
    reproduction(options),
    "",
  ].join("\n\n");
}

/**
 * The file LICENSE beside an averaged model, where its card links to one; undefined elsewhere.
 * @param data where the images are from, in words, and the texts that lie beside them.
 */
export function modelLicence(
  report: Report,
  data: { readonly source: string; readonly texts: readonly LicenceText[] },
): string | undefined {
  if (!linksToLicence(report.licences)) return undefined;
  const { name, source } = report.task;
  return licenceFile({
    name: report.name,
    licence: `${joinLicences(report.licences)}, as follows from the data that every training has seen.`,
    inputs: [{ label: `${name}: ${data.source}`, link: source, licences: report.licences }],
    texts: data.texts,
  });
}

/** No `base_model` and no `datasets`: the hub resolves these on itself, and our digests are not there. The text has them. */
function frontMatter({ report, heldOut, model, loading }: ModelCardOptions, accuracy: number): string {
  const dataset = { name: `${report.task.name}, ${heldOut} (held out)`, type: slug(report.task.name) };
  return stringify({
    ...hubLicence(report.licences),
    library_name: loading.library,
    ...(loading.records ? {} : { pipeline_tag: "image-classification" }),
    tags: ["model-recycling", "weight-averaging", "merge", "ratatouille", model, report.task.source],
    metrics: ["accuracy"],
    "model-index": [
      {
        name: report.name,
        results: [
          {
            task: { type: loading.records ? "classification" : "image-classification" },
            dataset,
            metrics: [{ type: "accuracy", value: accuracy }],
          },
        ],
      },
    ],
  });
}

function scores(report: Report, cell: Cell): string {
  const rows = cellResults(cell, report.task.methods).map(
    ({ method, accuracy }) =>
      `| ${method === "recycling" ? "**this model**" : methodTexts[method].label} | ${points(accuracy)} | ${methodTexts[method].explanation} |`,
  );
  const { notes = [] } = report;
  const { heldOutItems } = report.task;
  const domains = heldOutItems?.domains.filter(({ domain }) => domain === cell.heldOut);
  const counted = heldOutItems && domains ? heldOutItemsText({ ...heldOutItems, domains }) : undefined;
  return [
    `Accuracy in % on the domain ${cell.heldOut}, which ${notes.length > 0 ? "was held out" : "no choice and no training has seen"}${counted ? `. ${counted}` : ":"}`,
    ["| | accuracy | |", "| --- | --: | --- |", ...rows].join("\n"),
    ...calibrationOf(cell),
    ...(notes.length > 0 ? ["What should be known of the data:", notes.map((text) => `- ${text}`).join("\n")] : []),
    "One seed and one domain say little. The whole run says:",
    report.sentences.map((text) => `- ${text}`).join("\n"),
  ].join("\n\n");
}

/** How far the probabilities of the model can be believed, where that was measured. */
function calibrationOf(cell: Cell): string[] {
  const found = cell.averages.find(({ method }) => method === "recycling")?.calibration;
  if (!found) return [];
  return [
    `There its probabilities are off by ${points(found.ece)} points on average (expected calibration error), and its Brier score is ${found.brier.toFixed(3)}.`,
  ];
}

function averaged(cell: Cell): string {
  const rows = members(cell).map(
    (member) =>
      `| ${member.index} | ${plain(member.initialisation)} | ${member.learningRate} | ${member.dropout} | ${member.weightDecay} | ${member.bestStep} | ${points(member.validationAccuracy)} | ${points(member.accuracy)} | \`${member.model}\` |`,
  );
  return [
    "This model is a merge: it has no training of its own, its base models are the ones below, all with equal weight. Validation and held-out accuracy in %:",
    [
      "| | started from | learning rate | dropout | weight decay | step | validation | held out | model |",
      "| --: | --- | --: | --: | --: | --: | --: | --: | --- |",
      ...rows,
    ].join("\n"),
  ].join("\n\n");
}

function reproduction({ report, model, weights }: ModelCardOptions): string {
  return `\`\`\`sh
ratatouille lineage ${model}
ratatouille reproduce ${model}
\`\`\`

${sameness(report)}

| | |
| --- | --- |
| model | \`${model}\` |
| weights | \`${weights}\` |
| data | \`${report.task.source}\` |
| run | \`${report.runId}\` |
| made with | ratatouille ${report.ratatouille} |
| licences of what went in | ${plain(report.licences.join(", ")) || "none stated"}${linksToLicence(report.licences) ? ", see [LICENSE](LICENSE)" : ""} |`;
}

/** What running the recipe again gives: averages are exact, and trainings on engines of all kinds are not. */
function sameness({ task }: Report): string {
  if (task.network === undefined) return "`recipe.json` says how it was made; the same recipe gives the same bytes.";
  return "`recipe.json` says how it was made. The average of the same members has the same bytes; trainings that are run again make members that do as well, not the same bytes.";
}

function members(cell: Cell) {
  return cell.members.filter(({ set }) => set === "recycled");
}

/** A name in lower case with nothing but letters, digits, dots and hyphens. */
function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^-|-$/g, "");
}

/** Names that people chose, without what Markdown would read as more than text. */
function plain(text: string): string {
  return text.replace(/[\\`*_[\]<>|#]/g, (character) => `\\${character}`);
}
