import { isMap, LineCounter, parseAllDocuments } from "yaml";
import { didYouMean } from "#libs/text";
import { methodNamed, namesOfMethods } from "../methods/index.ts";
import type { MergekitConfig } from "./config.ts";
import { type ConfigProblem, MergekitError } from "./errors.ts";
import { type Field, fields, isEmpty, positionOf, type Reading, resolve, text, wrong } from "./nodes.ts";
import { inOrder } from "./order.ts";
import { checkSettings } from "./parameter-names.ts";
import { readChatTemplate, readSeed, readTokenizer, readType } from "./read-fields.ts";
import { readParts } from "./read-slices.ts";
import { readReference } from "./references.ts";
import { readSettings } from "./settings.ts";

const FIELDS = [
  "merge_method",
  "base_model",
  "models",
  "slices",
  "modules",
  "parameters",
  "dtype",
  "out_dtype",
  "tokenizer_source",
  "tokenizer",
  "chat_template",
  "random_seed",
  "name",
];

/**
 * Reads configurations of mergekit: one of mergekit-yaml, one of mergekit-pytorch, where models are safetensors files, or several of
 * mergekit-multi with `---` between them. YAML 1.1, as PyYAML has it.
 * @param path names the file in messages.
 * @returns them in an order in which each can be made: merges come before those that use them by name.
 * @throws MergekitError with every mistake. What mergekit passes over in silence, such as a misspelt field, is a mistake here.
 */
export function parseMergekit(source: string, path: string): readonly [MergekitConfig, ...MergekitConfig[]] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(source, { version: "1.1", lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const given = Array.isArray(documents) ? documents.filter(({ contents, errors }) => !isEmpty(contents) || errors.length > 0) : [];
  if (given.length === 0) throw new MergekitError(path, [{ line: 1, column: 1, message: "the configuration is empty" }]);
  const error = given.flatMap(({ errors }) => errors)[0];
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    const message = `not YAML at line ${line}, column ${col}: ${error.message.split("\n")[0]!.replace(/[.:]$/, "")}`;
    throw new MergekitError(path, [{ line, column: col, message }]);
  }
  const problems: ConfigProblem[] = [];
  const configs = given.flatMap((document) => {
    const reading: Reading = { document, lines, problems, notes: [] };
    const [begin, end] = document.contents!.range!;
    const text = given.length === 1 ? source : `${source.slice(begin, end).trimEnd()}\n`;
    return readConfig(reading, { node: document.contents!, name: "" }, text, path, given.length > 1) ?? [];
  });
  if (problems.length > 0) throw new MergekitError(path, problems);
  const sorted = given.length === 1 ? configs : inOrder(configs);
  if ("problems" in sorted) throw new MergekitError(path, sorted.problems);
  return sorted as [MergekitConfig, ...MergekitConfig[]];
}

function readConfig(reading: Reading, place: Field, source: string, path: string, several: boolean): MergekitConfig | undefined {
  const other = otherTool(reading, place);
  if (other !== undefined) return wrong(reading, place, other);
  const found = fields(reading, place, FIELDS);
  if (found === undefined) return undefined;
  const get = (name: string) => found.get(name);
  const methodPlace = get("merge_method");
  const name = methodPlace && text(reading, methodPlace);
  if (methodPlace === undefined) wrong(reading, place, "needs `merge_method`, for example `merge_method: linear`");
  const method = name === undefined ? undefined : methodNamed(name);
  if (name !== undefined && method === undefined)
    wrong(
      reading,
      methodPlace!,
      `is \`${name}\`, which is not here; ${didYouMean(name, namesOfMethods(), "ratatouille methods lists all that are")}`,
    );
  const basePlace = get("base_model");
  const base = basePlace && readReference(reading, basePlace);
  const parts = readParts(reading, place, found);
  const parameters = readSettings(reading, get("parameters"));
  const dtype = readType(reading, get("dtype"));
  const outDtype = readType(reading, get("out_dtype"));
  const tokenizer = readTokenizer(reading, get("tokenizer_source"), get("tokenizer"));
  const chatTemplate = readChatTemplate(reading, get("chat_template"));
  const seed = readSeed(reading, get("random_seed"));
  const namePlace = get("name");
  const called = namePlace && readName(reading, namePlace);
  if (namePlace !== undefined && !several)
    reading.notes.push(`\`name\` at line ${positionOf(reading, namePlace.node).line} has no effect: it names one of several merges`);
  if (parts === undefined || method === undefined) return undefined;

  const check = (settings: Parameters<typeof checkSettings>[0], ofModel: boolean) => {
    const { problems, notes } = checkSettings(settings, method, ofModel);
    reading.problems.push(...problems);
    reading.notes.push(...notes);
  };
  check(parameters, false);
  check(parts.parameters, false);
  for (const slice of parts.slices) {
    check(slice.parameters, false);
    for (const one of slice.sources) check(one.parameters, true);
  }
  const result = outDtype ?? dtype;
  return {
    path,
    text: source,
    ...(called === undefined || !several ? {} : { name: { text: called, ...positionOf(reading, namePlace!.node) } }),
    ...positionOf(reading, place.node),
    method: { name: method.name, ...positionOf(reading, methodPlace!.node) },
    kind: parts.kind,
    slices: parts.slices,
    moduleParameters: parts.parameters,
    parameters,
    notes: reading.notes,
    ...(base === undefined ? {} : { base }),
    ...(result === undefined ? {} : { dtype: result }),
    ...(seed === undefined ? {} : { seed }),
    ...(tokenizer === undefined ? {} : { tokenizer }),
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
  };
}

/** What a configuration is that is not for merging weights, by fields that only such ones have; undefined for others. */
function otherTool(reading: Reading, place: Field): string | undefined {
  const node = resolve(reading, place.node);
  const keys = new Set(isMap(node) ? node.items.map(({ key }) => String(key)) : []);
  const has = (...names: string[]) => names.some((name) => keys.has(name));
  if (keys.has("merge_method")) return undefined;
  if (has("experts", "gate_mode", "experts_per_token"))
    return "is one of mergekit-moe, which builds a mixture of experts from models; here weights are merged, as `merge_method` says how";
  if (has("genome")) return "is one of mergekit-evolve, which searches for a merge; give the configuration that it has found";
  if (has("datasets", "adapter", "micro_batch_size", "sequence_len")) return "is one for training (axolotl), and not for merging";
  if (has("base_model_name_or_path", "peft_type")) return "is that of an adapter (adapter_config.json), and not for merging";
  return has("model_type") && has("architectures") ? "is that of a model (config.json), and not for merging" : undefined;
}

/** The name of one of several merges is that of a folder. */
function readName(reading: Reading, place: Field): string | undefined {
  const name = text(reading, place);
  if (name === undefined || /^[\w-][\w.-]*$/.test(name)) return name;
  return wrong(reading, place, `must be letters, digits, "_", "-" and ".", as it names a folder, not \`${name}\``);
}
