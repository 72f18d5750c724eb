import { LineCounter, parseAllDocuments } from "yaml";
import type { Dtype } from "#libs/tensors";
import { methodNamed, methods } from "../methods/index.ts";
import type { MergekitConfig, Slice, Source, TokenizerSource } from "./config.ts";
import { MergekitError } from "./errors.ts";
import { entries, fields, isEmpty, items, type Place, positionOf, quoted, type Reading, scalar, text, wrong } from "./nodes.ts";
import { checkSettings } from "./parameter-names.ts";
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

const TYPES: { readonly [name: string]: Dtype } = { float64: "F64", float32: "F32", float16: "F16", bfloat16: "BF16" };

/**
 * Reads a configuration of mergekit: of mergekit-yaml, and of mergekit-pytorch where models are safetensors files. YAML 1.1, as PyYAML has it.
 * @param path names the file in messages.
 * @throws MergekitError with every mistake in it. What mergekit passes over in silence, such as a misspelt field, is a mistake here.
 */
export function parseMergekit(source: string, path: string): MergekitConfig {
  const lines = new LineCounter();
  const documents = parseAllDocuments(source, { version: "1.1", lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const fail = (line: number, column: number, message: string): never => {
    throw new MergekitError(path, [{ line, column, message }]);
  };
  const given = Array.isArray(documents) ? documents.filter(({ contents, errors }) => !isEmpty(contents) || errors.length > 0) : [];
  const [document, second] = given;
  if (document === undefined) return fail(1, 1, "the configuration is empty");
  const error = given.flatMap(({ errors }) => errors)[0];
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    return fail(line, col, `not YAML at line ${line}, column ${col}: ${error.message.split("\n")[0]!.replace(/[.:]$/, "")}`);
  }
  if (second !== undefined) {
    const { line, col } = lines.linePos(second.contents?.range?.[0] ?? 0);
    return fail(line, col, `\`---\` before line ${line} begins another configuration, and one is taken at a time: put each into a file`);
  }
  const reading: Reading = { document, lines, problems: [], notes: [] };
  const config = readConfig(reading, { node: document.contents!, name: "" }, source, path);
  if (config === undefined || reading.problems.length > 0) throw new MergekitError(path, reading.problems);
  return config;
}

function readConfig(reading: Reading, place: Place, source: string, path: string): MergekitConfig | undefined {
  const found = fields(reading, place, FIELDS);
  if (found === undefined) return undefined;
  const get = (name: string) => found.get(name);
  const methodPlace = get("merge_method");
  const name = methodPlace && text(reading, methodPlace);
  if (methodPlace === undefined) wrong(reading, place, "needs `merge_method`, for example `merge_method: linear`");
  const method = name === undefined ? undefined : methodNamed(name);
  if (name !== undefined && method === undefined)
    wrong(reading, methodPlace!, `is \`${name}\`, which is not here; there are ${quoted(methods.map((one) => one.name))}`);
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
  if (namePlace !== undefined)
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

type Parts = Pick<MergekitConfig, "kind" | "slices" | "parameters">;

/** `models`, `slices`, or the one module of `modules`, which has one of the two. */
function readParts(reading: Reading, place: Place, found: ReadonlyMap<string, Place>): Parts | undefined {
  const given = ["models", "slices", "modules"].filter((name) => found.has(name));
  if (given.length !== 1) return wrong(reading, place, `must have exactly one of \`models\`, \`slices\` and \`modules\`${both(given)}`);
  const modules = found.get("modules");
  if (modules === undefined) return { ...readOutput(reading, found), parameters: new Map() };
  const all = entries(reading, modules);
  if (all === undefined) return undefined;
  if (all.length !== 1) {
    const names = quoted(all.map(({ name }) => name));
    return wrong(reading, modules, `must have one module, not ${names}: merge the parts of a multi-modal model one by one`);
  }
  const module = fields(reading, all[0]!, ["models", "slices", "parameters"]);
  if (module === undefined) return undefined;
  const inside = ["models", "slices"].filter((name) => module.has(name));
  if (inside.length !== 1) return wrong(reading, all[0]!, `must have either \`models\` or \`slices\`${both(inside)}`);
  return { ...readOutput(reading, module), parameters: readSettings(reading, module.get("parameters")) };
}

function both(given: readonly string[]): string {
  return given.length === 0 ? "" : `, not ${given.map((name) => `\`${name}\``).join(" and ")}`;
}

function readOutput(reading: Reading, found: ReadonlyMap<string, Place>): Pick<Parts, "kind" | "slices"> {
  const models = found.get("models");
  if (models === undefined) {
    const slices = items(reading, found.get("slices")!) ?? [];
    if (slices.length === 0) wrong(reading, found.get("slices")!, "must have at least one slice");
    return { kind: "slices", slices: slices.flatMap((slice) => readSlice(reading, slice) ?? []) };
  }
  const sources = readSources(reading, models, false);
  const position = positionOf(reading, models.node);
  return { kind: "models", slices: [{ sources, parameters: new Map(), ...position }] };
}

function readSlice(reading: Reading, place: Place): Slice | undefined {
  const found = fields(reading, place, ["sources", "parameters", "base_model"], {
    residual_weight: "mergekit reads it and does nothing with it; leave it out",
  });
  if (found === undefined) return undefined;
  const sources = found.get("sources");
  if (sources === undefined) return wrong(reading, place, "needs `sources`");
  const basePlace = found.get("base_model");
  const base = basePlace && readReference(reading, basePlace);
  const slice = { sources: readSources(reading, sources, true), parameters: readSettings(reading, found.get("parameters")) };
  const lengths = new Set(slice.sources.map(({ layers }) => layers![1] - layers![0]));
  if (lengths.size > 1) wrong(reading, sources, `must all have as many layers, not ${[...lengths].join(" and ")}`);
  return { ...slice, ...(base === undefined ? {} : { base }), ...positionOf(reading, place.node) };
}

function readSources(reading: Reading, place: Place, layered: boolean): Source[] {
  const list = items(reading, place) ?? [];
  if (list.length === 0) wrong(reading, place, "must have at least one model");
  const sources: Source[] = [];
  const seen = new Map<string, number>();
  for (const item of list) {
    const found = fields(reading, item, layered ? ["model", "layer_range", "parameters"] : ["model", "parameters"]);
    if (found === undefined) continue;
    const model = found.get("model");
    if (model === undefined) wrong(reading, item, "needs `model` in each of its items");
    const reference = model && readReference(reading, model);
    const layers = layered ? readLayers(reading, item, found.get("layer_range")) : undefined;
    const parameters = readSettings(reading, found.get("parameters"));
    if (reference === undefined || (layered && layers === undefined)) continue;
    const key = JSON.stringify([reference.text, layers ?? []]);
    const first = seen.get(key);
    if (first !== undefined)
      wrong(reading, model!, `is \`${reference.text}\` again, as at line ${first}: name it once, with the sum of the weights`);
    seen.set(key, first ?? reference.line);
    sources.push({ reference, parameters, ...(layers === undefined ? {} : { layers }) });
  }
  return sources;
}

function readLayers(reading: Reading, item: Place, place: Place | undefined): readonly [number, number] | undefined {
  if (place === undefined) return wrong(reading, item, "needs `layer_range`, for example `layer_range: [0, 16]`");
  const [from, to, ...more] = (items(reading, place) ?? []).map((one) => scalar(reading, one, "a whole number"));
  const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!isIndex(from) || !isIndex(to) || more.length > 0 || from > to)
    return wrong(reading, place, "must be [first, end]: two whole numbers, the layer at `end` not among them");
  return [from, to];
}

function readType(reading: Reading, place: Place | undefined): Dtype | undefined {
  const name = place && text(reading, place);
  if (name === undefined) return undefined;
  const known = name.replace(/^torch\./, "");
  if (Object.hasOwn(TYPES, known)) return TYPES[known];
  return wrong(reading, place!, `must be one of ${quoted(Object.keys(TYPES))}, not \`${name}\``);
}

function readSeed(reading: Reading, place: Place | undefined): number | undefined {
  const value = place && scalar(reading, place, "a whole number");
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffffffff) return value as number;
  return wrong(reading, place!, `must be a whole number from 0 to 4294967295, not \`${value}\``);
}

function readTokenizer(reading: Reading, source: Place | undefined, tokenizer: Place | undefined): TokenizerSource | undefined {
  if (source !== undefined && tokenizer !== undefined)
    return wrong(reading, tokenizer, "is given, and `tokenizer_source` too: one of them is enough");
  if (source !== undefined) return readTokenizerSource(reading, source);
  if (tokenizer === undefined) return undefined;
  const found = fields(reading, tokenizer, ["source"], {
    tokens: "rows of embeddings are not made for single tokens here",
    pad_to_multiple_of: "embeddings keep the shape that the models have",
  });
  if (found === undefined) return undefined;
  const inner = found.get("source");
  return inner === undefined ? { from: "union", ...positionOf(reading, tokenizer.node) } : readTokenizerSource(reading, inner);
}

function readTokenizerSource(reading: Reading, place: Place): TokenizerSource | undefined {
  const reference = readReference(reading, place);
  if (reference === undefined) return undefined;
  const { text: name, line, column } = reference;
  return { from: name === "base" || name === "union" ? name : reference, line, column };
}

function readChatTemplate(reading: Reading, place: Place | undefined): MergekitConfig["chatTemplate"] {
  const value = place && text(reading, place);
  if (value === undefined) return undefined;
  if (value === "auto") return positionOf(reading, place!.node);
  const short = value.length > 30 || value.includes("\n") ? "a template" : `\`${value}\``;
  return wrong(
    reading,
    place!,
    `is ${short}, and only \`auto\` is taken: the template is copied with the tokenizer; put another one into tokenizer_config.json`,
  );
}
