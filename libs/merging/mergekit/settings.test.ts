import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Condition, Scalar, ScalarOrGradient, Setting } from "./config.ts";
import { evaluate, resolveParameter } from "./settings.ts";

type Written = ScalarOrGradient | Condition | readonly Condition[];
type Row = { readonly setting: Written; readonly tensor: string; readonly t: number; readonly value: number | boolean | null };

const fixtures = JSON.parse(readFileSync(new URL("../../../test/fixtures/mergekit-config/parameters.json", import.meta.url), "utf8")) as {
  readonly numbers: readonly Row[];
  readonly flags: readonly Row[];
};

function settingOf(written: Written): Setting {
  const isCondition = (value: unknown): value is Condition => typeof value === "object" && !Array.isArray(value);
  const list = Array.isArray(written) ? (written as readonly (Scalar | Condition)[]) : [];
  if (isCondition(written)) return { line: 1, column: 1, conditions: [written] };
  if (list.some(isCondition)) return { line: 1, column: 1, conditions: list as readonly Condition[] };
  return { line: 1, column: 1, conditions: [{ value: written as ScalarOrGradient }] };
}

test("filters and gradients give mergekit's numbers, to the last bit", () => {
  assert.ok(fixtures.numbers.length > 300);
  for (const { setting, tensor, t, value } of fixtures.numbers)
    assert.equal(evaluate(settingOf(setting), "number", tensor, t) ?? null, value, JSON.stringify({ setting, tensor, t }));
});

test("of truth values in a list, the one at or before the place counts, as in mergekit", () => {
  for (const { setting, tensor, t, value } of fixtures.flags)
    assert.equal(evaluate(settingOf(setting), "boolean", tensor, t) ?? null, value, JSON.stringify({ setting, tensor, t }));
});

test("where no condition fits, the next place in the order of precedence decides", () => {
  const scopes = [
    new Map([["weight", settingOf([{ filter: "mlp", value: 1 }])]]),
    new Map(),
    new Map([["weight", settingOf([{ filter: "attn", value: 2 }])]]),
    new Map([["weight", settingOf(3)]]),
  ];
  const parameter = { name: "weight", type: "number" } as const;
  const of = (tensor: string) => resolveParameter(parameter, scopes, tensor, 0);
  assert.deepEqual([of("a.mlp.b"), of("a.attn.b"), of("norm")], [1, 2, 3]);
  assert.equal(resolveParameter({ name: "density", type: "number" }, scopes, "a", 0), undefined);
});
