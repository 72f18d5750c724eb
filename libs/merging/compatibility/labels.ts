import type { Json } from "#libs/recipes";
import { type Description, groupModels, namesOf } from "./description.ts";
import { type Finding, finding } from "./report.ts";

// Names of last layers of classifiers in common libraries. Each has one row for each label.
const HEAD = /(^|\.)(classifier|score|head|heads|fc|cls_head|out_proj|classification_head)(\.|$)/;
const SHOWN = 5;

/** Whether the outputs of the models mean the same: labels of config.json by number. Tensors of heads that are left out do not count. */
export function* compareLabels(models: readonly Description[], exclude: ReadonlySet<string>): Generator<Finding> {
  const labelled = models.map((model) => ({ ...model, labels: labelsOf(model.config) })).filter(({ labels }) => labels !== undefined);
  const groups = groupModels(labelled, ({ labels }) => JSON.stringify(labels));
  if (groups.size < 2) return;
  const heads = new Set(labelled.flatMap(({ tensors, labels }) => headTensors(tensors, labels!.length)));
  const kept = [...heads].filter((name) => !exclude.has(name)).sort();
  const [[, [first]], [, [second]]] = [...groups] as [[string, typeof labelled], [string, typeof labelled]];
  const sentence = `The outputs of ${namesOf([first!])} and ${namesOf([second!])} mean different things: ${firstDifferences(first!.labels!, second!.labels!)}.`;
  const models_ = labelled.map(({ name }) => name);
  if (kept.length === 0 && heads.size > 0) {
    yield finding("note", "labels", `${sentence} The tensors of the heads are left out.`, { models: models_ });
  } else {
    yield finding("error", "labels", `${sentence} Leave the heads out with --exclude.`, { tensors: kept, models: models_ });
  }
}

/** Labels by number, or undefined where there are none but Hugging Face's placeholders (LABEL_0, …). */
function labelsOf(config: Description["config"]): string[] | undefined {
  const id2label = config?.["id2label"];
  if (typeof id2label !== "object" || id2label === null || Array.isArray(id2label)) return undefined;
  const entries = Object.entries(id2label as { readonly [id: string]: Json })
    .map(([id, label]) => [Number(id), String(label)] as const)
    .filter(([id]) => Number.isSafeInteger(id) && id >= 0)
    .sort(([a], [b]) => a - b);
  if (entries.length === 0 || entries.every(([, label]) => /^LABEL_\d+$/.test(label))) return undefined;
  return entries.map(([, label]) => label);
}

function headTensors(tensors: Description["tensors"], labels: number): string[] {
  return [...tensors].filter(([name, { shape }]) => HEAD.test(name) && shape[0] === labels).map(([name]) => name);
}

function firstDifferences(a: readonly string[], b: readonly string[]): string {
  if (a.length !== b.length) return `${a.length} labels and ${b.length}`;
  const differing = a.flatMap((label, i) => (label === b[i] ? [] : [`${i} is ${JSON.stringify(label)} and ${JSON.stringify(b[i])}`]));
  const rest = differing.length - SHOWN;
  return differing.slice(0, SHOWN).join(", ") + (rest > 0 ? `, and ${rest} more` : "");
}
