import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CatalogError } from "../errors.ts";
import { type Filter, parseFilter } from "./parse-filter.ts";

/** A filter as text, fully in parentheses. */
function shown(filter: Filter | undefined): string {
  if (filter === undefined) return "";
  switch (filter.is) {
    case "word":
      return `~${filter.word}`;
    case "not":
      return `(NOT ${shown(filter.term)})`;
    case "comparison":
      return `${filter.field.name}${filter.comparator}${filter.value}`;
    default:
      return `(${filter.terms.map(shown).join(filter.is === "and" ? " AND " : " OR ")})`;
  }
}

function problemOf(text: string): string {
  try {
    parseFilter(text);
  } catch (error) {
    assert.ok(error instanceof CatalogError && error.reason === "INVALID_FIELD" && error.field === "filter", String(error));
    return error.message;
  }
  assert.fail(`${text} was taken`);
}

test("a filter is read as it is documented", () => {
  const cases: readonly (readonly [text: string, tree: string])[] = [
    ["", ""],
    ["  \t", ""],
    ["resnet", "~resnet"],
    ['"two words"', "~two words"],
    ["architecture = resnet50", "architecture=resnet50"],
    ["architecture=resnet50", "architecture=resnet50"],
    ["name:birds task = image-classification", "(name:birds AND task=image-classification)"],
    ["a AND b c", "(~a AND ~b AND ~c)"],
    ["a OR b OR c", "(~a OR ~b OR ~c)"],
    ["a (b OR -c)", "(~a AND (~b OR (NOT ~c)))"],
    ["NOT NOT a", "(NOT (NOT ~a))"],
    ["-(a OR b)", "(NOT (~a OR ~b))"],
    ["parent = sha256:0123456789abcdef", "parent=sha256:0123456789abcdef"],
    ["parent = birds:1.0 AND name != birds:2.0", "(parent=birds:1.0 AND name!=birds:2.0)"],
    ["metric.accuracy >= -0.5e-3", "metric.accuracy>=-0.5e-3"],
    ['metric."accuracy.real world" < 1', "metric.accuracy.real world<1"],
    ['annotation.team = "the \\"best\\" \\\\"', 'annotation.team=the "best" \\'],
    ['licence = "MIT OR Apache-2.0"', "licence=MIT OR Apache-2.0"],
    ["published >= 2026-01-31 size<1024 damaged=false", "(published>=2026-01-31 AND size<1024 AND damaged=false)"],
  ];
  for (const [text, tree] of cases) assert.equal(shown(parseFilter(text)), tree, text);
});

test("what is wrong with a filter is told with its position", () => {
  const cases: readonly (readonly [text: string, position: number, what: RegExp])[] = [
    ["architecture =", 15, /expected a value behind =, got the end/],
    ["  (a OR b", 10, /expected "\)"/],
    ["a)", 2, /a "\)" without a "\("/],
    ["a AND b OR c", 9, /AND and OR together need parentheses/],
    ["architectur = x", 1, /there is no field .*did you mean architecture/],
    ["size : 3", 6, /expected one of = != < <= > >=, got :/],
    ["size = big", 8, /expected a number, got "big"/],
    ["kind = modle", 8, /expected one of source, dataset, model/],
    ["published > tomorrow", 13, /RFC 3339/],
    ["published > 2026-13-01", 13, /RFC 3339/],
    ['name = "birds', 8, /a string without an end/],
    ["= 3", 1, /expected a comparison or a word, got "="/],
    ["a AND", 6, /got the end/],
    ["a AND OR", 7, /got "OR"/],
    ["size < < 3", 8, /expected a value behind <, got "<"/],
    ["a !b", 3, /"!" has no meaning here/],
    ["metric. > 3", 1, /there is no field/],
  ];
  for (const [text, position, what] of cases) {
    const message = problemOf(text);
    assert.match(message, new RegExp(`^filter: at character ${position}: `), text);
    assert.match(message, what, text);
  }
  assert.match(problemOf("a ".repeat(1001)), /at most 2000 characters, not 2002/);
  assert.match(problemOf("a ".repeat(51)), /at character 101: at most 50 comparisons/);
});

test("any text is read or refused with a position inside of it", () => {
  const piece = fc.oneof(
    fc.constantFrom("AND", "OR", "NOT", "-", "(", ")", '"', "=", "!=", ":", " ", "name", "size", "metric.", "\\"),
    fc.string({ maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const text = pieces.join("");
      try {
        parseFilter(text);
      } catch (error) {
        assert.ok(error instanceof CatalogError, String(error));
        const position = Number(/at character (\d+)/.exec(error.message)?.[1]);
        assert.ok(position >= 1 && position <= text.length + 1, error.message);
      }
    }),
  );
});
