import { type Dtype, isDtype, type SafetensorsHeader, tensorBytes } from "#libs/tensors";
import { fewLines } from "#libs/text";
import { ContributionError, refuse } from "./errors.ts";
import { isSummed } from "./finite.ts";

/** One tensor that every contribution to a session has. */
export type LayoutTensor = {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Of whole numbers and truth values that have to be the same in all: the sha-256 of their bytes, once a contribution is committed. */
  readonly same?: string;
};

/** What the contributions to a session consist of, by name. */
export type Layout = readonly LayoutTensor[];

const AGREEING: ReadonlySet<Dtype> = new Set(["BOOL", "U8", "I8", "I16", "U16", "I32", "U32", "I64", "U64"]);

/** What is done with a tensor: its numbers are summed, have to be the same in all, or only count, so that the largest is right. */
export function ruleOf({ name, dtype }: Pick<LayoutTensor, "name" | "dtype">): "sum" | "same" | "largest" | undefined {
  if (isSummed(dtype)) return "sum";
  if (!AGREEING.has(dtype)) return undefined;
  return dtype !== "BOOL" && /(^|\.)num_batches_tracked$/.test(name) ? "largest" : "same";
}

/** The layout of a file, without what has to be the same. @throws ContributionError naming every tensor that sessions cannot average */
export function layoutOf({ tensors }: SafetensorsHeader): Layout {
  const layout = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape })).sort(byName);
  const problems = layout.flatMap((tensor) => problemOf(tensor) ?? []);
  if (problems.length > 0) throw new ContributionError("LAYOUT_MISMATCH", "chunk", fewLines(problems).join("; "));
  if (layout.length === 0) throw new ContributionError("LAYOUT_MISMATCH", "chunk", "the contribution has no tensors");
  return layout;
}

/** Reads a declared layout. @throws RpcError SESSION_INVALID */
export function parseLayout(declared: readonly { name: string; dtype: string; shape: readonly bigint[] }[]): Layout {
  const names = new Set<string>();
  return declared
    .map(({ name, dtype, shape }, i) => {
      const field = `layout[${i}]`;
      const wrong = (message: string) => refuse("SESSION_INVALID", `${field}: ${message}`, { field });
      if (names.has(name)) throw wrong(`a second tensor ${JSON.stringify(name)}`);
      names.add(name);
      if (!isDtype(dtype))
        throw wrong(`tensor ${JSON.stringify(name)} has the dtype ${JSON.stringify(dtype)}, which safetensors does not know`);
      const tensor = { name, dtype, shape: shape.map(Number) };
      if (shape.some((size) => size < 0n || size > BigInt(Number.MAX_SAFE_INTEGER)))
        throw wrong(`tensor ${JSON.stringify(name)} has the shape [${shape.join(", ")}]`);
      try {
        tensorBytes(dtype, tensor.shape);
      } catch (cause) {
        throw wrong(`tensor ${JSON.stringify(name)}: ${(cause as Error).message}`);
      }
      const problem = problemOf(tensor);
      if (problem !== undefined) throw wrong(problem);
      return tensor;
    })
    .sort(byName);
}

/** @throws ContributionError naming the first tensors that are missing, that the session does not have, or that are others */
export function compareLayout(expected: Layout, actual: Layout): void {
  const problems: string[] = [];
  const given = new Map(actual.map((tensor) => [tensor.name, tensor]));
  for (const wanted of expected) {
    const found = given.get(wanted.name);
    given.delete(wanted.name);
    const label = `tensor ${JSON.stringify(wanted.name)}`;
    if (found === undefined) problems.push(`${label} is missing`);
    else if (form(found) !== form(wanted)) problems.push(`${label} is ${form(found)}; it has to be ${form(wanted)}`);
    else if (found.same !== undefined && wanted.same !== undefined && found.same !== wanted.same)
      problems.push(`${label} has other values than in the contributions before; ${wanted.dtype} is not averaged and has to agree`);
  }
  for (const name of given.keys()) problems.push(`tensor ${JSON.stringify(name)} is not in the session's layout`);
  if (problems.length > 0) throw new ContributionError("LAYOUT_MISMATCH", "chunk", problems.join("; "));
}

function form({ dtype, shape }: LayoutTensor): string {
  return `${dtype} [${shape.join(", ")}]`;
}

function problemOf({ name, dtype }: LayoutTensor): string | undefined {
  const label = `tensor ${JSON.stringify(name)}`;
  if (dtype === "F64") return `${label} is F64; sessions keep exact sums of F32, F16 and BF16 only`;
  return ruleOf({ name, dtype }) === undefined ? `${label} is ${dtype}, which cannot be averaged` : undefined;
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
