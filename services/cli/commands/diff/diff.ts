import { CatalogService, type MetricDifference, type RecipeDifference, type TensorDifference } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { columns, short } from "../../format.ts";
import { widthOf, writeWrapped } from "../../write-wrapped.ts";
import { findNamed } from "../meant.ts";

/** `ratatouille diff A B` */
export async function diff(
  from: string,
  to: string,
  options: GlobalOptions & { readonly tensors?: boolean },
  context: CommandContext,
): Promise<number> {
  const { signal, stdout } = context;
  const catalog = (await useTarget(context, options, "look")).channel.client(CatalogService);
  const [a, b] = [await findNamed(from, catalog, signal), await findNamed(to, catalog, signal)];
  const recipe: RecipeDifference[] = [];
  const metrics: MetricDifference[] = [];
  const tensors: TensorDifference[] = [];
  const request = { from: a.digest, to: b.digest, tensors: options.tensors ?? false };
  for await (const { event } of catalog.diffArtifacts(request, { signal, timeoutMs: 0 })) {
    if (event.case === "recipe") recipe.push(event.value);
    else if (event.case === "metric") metrics.push(event.value);
    else if (event.case === "tensor") tensors.push(event.value);
  }
  if (options.json) {
    const facts = { from: a.digest, to: b.digest, recipe: recipe.map(plainPlace), metrics: metrics.map(plainMetric) };
    stdout.write(`${JSON.stringify(options.tensors ? { ...facts, tensors: tensors.map(plainTensor) } : facts)}\n`);
    return 0;
  }
  const width = widthOf(stdout);
  const table = (headings: readonly string[], rows: readonly (readonly string[])[]) => {
    if (rows.length > 0) stdout.write(`${columns(headings, rows, width)}\n`);
  };
  const names = [short(a.digest), short(b.digest)];
  if (recipe.length === 0) writeWrapped(stdout, "Both have the same recipe.\n\n");
  table(
    ["recipe", ...names],
    recipe.map(({ path, from, to }) => [path, from || "-", to || "-"]),
  );
  table(
    ["metric", ...names],
    metrics.map(({ name, from, to }) => [name, number(from), number(to)]),
  );
  table(["tensor", "norm", "norm", "difference", "cosine", ""], tensors.map(tensorRow));
  return 0;
}

function tensorRow(tensor: TensorDifference): string[] {
  const { name, norms, fromDtype, toDtype, fromShape, toShape } = tensor;
  if (norms)
    return [
      name,
      number(norms.from),
      number(norms.to),
      number(norms.difference),
      norms.cosine.toFixed(6),
      norms.difference === 0 ? "equal" : "",
    ];
  const form = (dtype: string, shape: readonly bigint[]) => (dtype === "" ? "-" : `${dtype} [${shape.join(", ")}]`);
  return [name, form(fromDtype, fromShape), form(toDtype, toShape), "", "", "not compared"];
}

function number(value: number | undefined): string {
  return value === undefined ? "-" : String(Number(value.toPrecision(6)));
}

function plainPlace({ path, from, to }: RecipeDifference) {
  const value = (text: string) => (text === "" ? undefined : (JSON.parse(text) as unknown));
  return { path, from: value(from), to: value(to) };
}

function plainMetric({ name, from, to }: MetricDifference) {
  return { name, from, to };
}

function plainTensor({ name, fromDtype, toDtype, fromShape, toShape, norms }: TensorDifference) {
  const form = (dtype: string, shape: readonly bigint[]) => (dtype === "" ? undefined : { dtype, shape: shape.map(Number) });
  const { from, to, difference, cosine, count, notFinite } = norms ?? {};
  const measured = norms && { from, to, difference, cosine, count: Number(count), notFinite: Number(notFinite) };
  return { name, from: form(fromDtype, fromShape), to: form(toDtype, toShape), norms: measured };
}
