import parse from "spdx-expression-parse";

type Node = parse.Info;
type Expression = { readonly node: Node; readonly names: readonly string[] };

// More choices than anybody offers: what is beyond is not tried.
const MOST_ALTERNATIVES = 1024;

/**
 * The licences that all apply, of an SPDX expression: the parts that AND joins at its top. Names that SPDX does not know are names like
 * others; a text that is no expression is one name.
 * @example
 * ```ts
 * splitLicences("MIT AND (Apache-2.0 OR GPL-2.0-only)"); // ["MIT", "Apache-2.0 OR GPL-2.0-only"]
 * splitLicences("all rights reserved"); // ["all rights reserved"]
 * ```
 */
export function splitLicences(expression: string): string[] {
  if (expression.trim() === "") return [];
  const parsed = parseExpression(expression);
  return parsed === undefined ? [expression] : conjuncts(parsed.node).map((node) => textOf(node, parsed.names));
}

/** Whether a name is that of one licence of SPDX's list, spelled as there: https://spdx.org/licenses/ has a page of it. */
export function isSpdxLicence(name: string): boolean {
  if (!/^(?!LicenseRef-)[\w.-]+$/.test(name)) return false;
  try {
    return "license" in parse(name);
  } catch {
    return false;
  }
}

/** Joins expressions that all apply by AND, in their order. */
export function joinExpressions(expressions: readonly string[]): string {
  if (expressions.length === 1) return expressions[0]!;
  return expressions.map((expression) => (isChoice(parseExpression(expression)?.node) ? `(${expression})` : expression)).join(" AND ");
}

/** The ways to comply with an SPDX expression: for each choice the licences that apply then, `X WITH Y` as one. At most 1,024 ways. */
export function licenceAlternatives(expression: string): readonly (readonly string[])[] {
  const parsed = parseExpression(expression);
  return parsed === undefined ? [[expression]] : alternatives(parsed);
}

/** Every name stands for itself, as a reference: the parser knows only those of SPDX's list, which are spelled in one way. */
function parseExpression(expression: string): Expression | undefined {
  const names: string[] = [];
  const text = expression.replace(/[()]|[^\s()]+(?:\s+WITH\s+[^\s()]+)?/g, (word) =>
    /^(?:[()]|AND|OR)$/.test(word) ? word : `LicenseRef-${names.push(word.replace(/\s+/g, " ")) - 1}`,
  );
  try {
    return { node: parse(text), names };
  } catch {
    return undefined;
  }
}

function isChoice(node: Node | undefined): boolean {
  return node !== undefined && "conjunction" in node && node.conjunction === "or";
}

function conjuncts(node: Node): Node[] {
  return "conjunction" in node && node.conjunction === "and" ? [...conjuncts(node.left), ...conjuncts(node.right)] : [node];
}

function textOf(node: Node, names: readonly string[]): string {
  if ("license" in node) return nameOf(node.license, names);
  const sides = [node.left, node.right].map((side) => {
    const text = textOf(side, names);
    return node.conjunction === "and" && isChoice(side) ? `(${text})` : text;
  });
  return sides.join(node.conjunction === "and" ? " AND " : " OR ");
}

function nameOf(reference: string, names: readonly string[]): string {
  return names[Number(reference.slice("LicenseRef-".length))]!;
}

function alternatives({ node, names }: Expression): string[][] {
  if ("license" in node) return [[nameOf(node.license, names)]];
  const left = alternatives({ node: node.left, names });
  const right = alternatives({ node: node.right, names });
  const all = node.conjunction === "or" ? [...left, ...right] : left.flatMap((one) => right.map((other) => [...one, ...other]));
  return all.slice(0, MOST_ALTERNATIVES);
}
