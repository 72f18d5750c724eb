import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PatternError, pythonPattern } from "./python-pattern.ts";

const names = [
  ...["model.layers.0.self_attn.q_proj", "model.layers.11.self_attn.v_proj", "model.layers.1.mlp.up_proj", "lm_head", "q", "a.q", "xq"],
  ...["model.visual.blocks.3.attn.q_proj", "model.embed_tokens", "", "layers-1", "a.b"],
];

/** What `re.fullmatch` of Python 3.12 says of each name, as a list of indexes. */
const PYTHON: readonly [string, readonly number[]][] = [
  [String.raw`.*self_attn\.(q_proj|v_proj)`, [0, 1]],
  ["^(?!.*visual).*(?:q_proj|v_proj)$", [0, 1]],
  [String.raw`(?:.*?(?:language|text).*?q_proj)|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn|mlp)\.(?:(?:q_proj|up_proj)))`, [0, 2]],
  [String.raw`(.*\.)?(q)`, [4, 5]],
  [String.raw`(.*\.)?(^q)`, [4]],
  [String.raw`model\.layers\.(?P<i>[0-9]|1[0-9])\.[^m].*`, [0, 1]],
  ["a.b", [11]],
  [String.raw`\w+-\d`, [10]],
  [String.raw`[\w.]{1,8}`, [3, 4, 5, 6, 11]],
  ["(a|.q)?", [6, 9]],
  ["(?=.*embed)model.*", [8]],
  [".{2}", [6]],
];

test("patterns match what Python's re matches", () => {
  for (const [source, expected] of PYTHON) {
    const matches = pythonPattern(source);
    assert.deepEqual(
      names.flatMap((name, i) => (matches(name) ? [i] : [])),
      expected,
      source,
    );
  }
});

test("small expressions match as JavaScript's, which are the same there", () => {
  const leaf = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", String.raw`\.`, String.raw`\w`);
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.tuple(tie("expression"), tie("expression")).map(([x, y]) => x + y),
      fc.tuple(tie("expression"), tie("expression")).map(([x, y]) => `(?:${x}|${y})`),
      fc.tuple(tie("expression"), fc.constantFrom("*", "+", "?", "{2}", "{0,2}", "{1,}", "*?")).map(([x, q]) => `(?:${x})${q}`),
      tie("expression").map((x) => `(?!${x})`),
    ),
  }));
  const text = fc.array(fc.constantFrom("a", "b", ".", "c"), { maxLength: 7 }).map((letters) => letters.join(""));
  fc.assert(
    fc.property(expression, text, (source, given) => {
      assert.equal(pythonPattern(source)(given), new RegExp(`^(?:${source})$`).test(given), `${source} ${given}`);
    }),
    { numRuns: 2000 },
  );
});

test("an expression that others try for ever is answered at once, and what is no expression is said", () => {
  const began = performance.now();
  assert.equal(pythonPattern("(?:(?:a+)+)+b")("a".repeat(120)), false);
  assert.ok(performance.now() - began < 5000);
  for (const source of ["(", ")", "[a", "*a", "a**+", String.raw`(a)\1`, "(?<=a)b", "\\", "a++", "(?i)a", "(((((a*)*)*)*)*)*"])
    assert.throws(() => pythonPattern(source), PatternError, source);
});
