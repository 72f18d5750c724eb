import type { Method, MethodGroup, Parameter } from "#libs/merging/methods";
import { boundsOf } from "#libs/merging/methods";
import { plural } from "#libs/text";
import { columns } from "../../format.ts";
import { type Line, span } from "../../render/line.ts";

/** Values that make a difference, for examples: what a method needs, or what one would change first. */
const SETTINGS: { readonly [method: string]: string } = {
  linear: "weight=2,1",
  task_arithmetic: "weight=0.6,0.4",
  ties: "density=0.2",
  dare_linear: "density=0.5",
  dare_ties: "density=0.5",
  della: "density=0.5",
  della_linear: "density=0.5",
  breadcrumbs: "density=0.9",
  breadcrumbs_ties: "density=0.9",
  sce: "select_topk=0.1",
  slerp: "t=0.3",
  nuslerp: "weight=0.7,0.3",
  multislerp: "weight=0.7,0.3",
  nearswap: "t=0.0001",
  passthrough: "scale=0.5",
  wise_ft: "alpha=0.4",
  ema: "decay=0.9",
  lawa: "k=2",
  trimmed_mean: "trim=0.34",
};

/** All methods, group by group, with a line for each: name, title, what it needs. */
export function* listLines(groups: readonly MethodGroup[], width: number): Generator<Line> {
  const all = groups.flatMap(({ methods }) => methods);
  const longest = (of: (method: Method) => string) => Math.max(...all.map((method) => of(method).length));
  const [names, titles] = [longest(({ name }) => name), longest(({ title }) => title)];
  for (const { title, methods } of groups) {
    yield [span(title, "bold")];
    // Filled up, so that the columns of all groups are the same.
    const rows = methods.map((method) => [`  ${method.name.padEnd(names)}`, method.title.padEnd(titles), needsOf(method)]);
    for (const line of columns(["", "", ""], rows, width).trimEnd().split("\n").slice(1)) yield [span(line)];
    yield [];
  }
  yield [span("ratatouille methods NAME has formula, paper, parameters and an example.", "dim")];
}

/** Everything about one method. */
export function* methodLines(method: Method, width: number): Generator<Line> {
  const { name, aliases = [], title, summary, formula, paper, parameters } = method;
  yield [span(name, "bold"), span(`  ${title}`)];
  yield [span(summary)];
  yield [];
  yield [span("formula  ", "dim"), span(formula)];
  if (paper) {
    yield [span("paper    ", "dim"), span(`${paper.authors} ${paper.year}, ${paper.title}`)];
    yield [span("         "), span(paper.link)];
  }
  yield [span("needs    ", "dim"), span(needsOf(method))];
  if (aliases.length > 0) yield [span("also     ", "dim"), span(aliases.join(", "))];
  if (parameters.length > 0) {
    yield [];
    yield [span("parameters", "bold"), span("  (--set name=value; of each model: --set name=value,value,…)", "dim")];
    yield* parameterLines(parameters, width);
  }
  yield [];
  yield [span("example", "bold")];
  yield [span(`  ${exampleOf(method)}`)];
}

function* parameterLines(parameters: readonly Parameter[], width: number): Generator<Line> {
  const rows = parameters.map((parameter) => [
    `  ${parameter.name}`,
    parameter.scope === "model" ? "each model" : "the merge",
    parameter.default === undefined ? "required" : String(parameter.default),
    boundsOf(parameter),
    parameter.description,
  ]);
  const [head = "", ...lines] = columns(["  name", "of", "default", "has to be", ""], rows, width).trimEnd().split("\n");
  yield [span(head, "dim")];
  for (const line of lines) yield [span(line)];
}

/** What a method needs, in words: "2 models or more, a base, Fisher information". */
function needsOf({ models: { min, max }, base, statistics, random }: Method): string {
  const models = `${min} ${plural(max, "model")}${max > min ? " or more" : ""}`;
  return [
    min === 1 && max > 1 ? "any number of models" : models,
    ...(base === "required" ? ["a base"] : base === "optional" ? ["a base if there is one"] : []),
    ...(statistics === "fisher" ? ["Fisher information of each"] : statistics === "gram" ? ["Gram matrices of each"] : []),
    ...(random ? ["a seed"] : []),
  ].join(", ");
}

/** A command that merges with the method. */
function exampleOf({ name, models, base, statistics, random }: Method): string {
  const letters = ["a", "b", ...(name === "trimmed_mean" ? ["c"] : [])].slice(0, models.max);
  const setting = SETTINGS[name];
  return [
    "ratatouille average",
    ...letters.map((letter) => `${letter}.safetensors`),
    `-o out.safetensors --method ${name}`,
    ...(base === "none" ? [] : ["--base base.safetensors"]),
    ...(statistics === undefined ? [] : letters.map((letter) => `--statistics ${letter}.${statistics}.safetensors`)),
    ...(setting === undefined ? [] : [`--set ${setting}`]),
    ...(random ? ["--seed 1"] : []),
  ].join(" ");
}

/** A method as plain data for programs. Where there is no most of models, there is no `max`. */
export function describeMethod(method: Method): object {
  const { program, models, ...described } = method;
  const { min, max } = models;
  return { ...described, models: Number.isFinite(max) ? { min, max } : { min }, example: exampleOf(method) };
}
