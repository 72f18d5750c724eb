import type { MergekitConfig, Slice, Source } from "./config.ts";
import { entries, type Field, fields, items, positionOf, quoted, type Reading, scalar, wrong } from "./nodes.ts";
import { readReference } from "./references.ts";
import { readSettings } from "./settings.ts";

/** What is merged: slices, and the parameters of the one module. */
export type Parts = Pick<MergekitConfig, "kind" | "slices" | "parameters">;

/** `models`, `slices`, or the one module of `modules`, which has one of the two. */
export function readParts(reading: Reading, place: Field, found: ReadonlyMap<string, Field>): Parts | undefined {
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

function readOutput(reading: Reading, found: ReadonlyMap<string, Field>): Pick<Parts, "kind" | "slices"> {
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

function readSlice(reading: Reading, place: Field): Slice | undefined {
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

function readSources(reading: Reading, place: Field, layered: boolean): Source[] {
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

function readLayers(reading: Reading, item: Field, place: Field | undefined): readonly [number, number] | undefined {
  if (place === undefined) return wrong(reading, item, "needs `layer_range`, for example `layer_range: [0, 16]`");
  const [from, to, ...more] = (items(reading, place) ?? []).map((one) => scalar(reading, one, "a whole number"));
  const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!isIndex(from) || !isIndex(to) || more.length > 0 || from > to)
    return wrong(reading, place, "must be [first, end]: two whole numbers, the layer at `end` not among them");
  return [from, to];
}
