import { LineCounter, parseAllDocuments } from "yaml";
import { methodNamed, methods } from "../methods/index.ts";
import type { MergekitConfig } from "./config.ts";
import { MergekitError } from "./errors.ts";
import { fields, isEmpty, type Place, positionOf, quoted, type Reading, text, wrong } from "./nodes.ts";
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
