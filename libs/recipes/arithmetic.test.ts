import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { arithmetics, backendOf, backends, evaluationArithmetics } from "./index.ts";

test("the version in an arithmetic is the installed one", () => {
  const { dependencies } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  for (const backend of backends) {
    const version = dependencies[`@tensorflow/tfjs-backend-${backend}`];
    for (const name of [arithmetics[backend], evaluationArithmetics[backend]])
      assert.ok(name.includes(`/${version} `), `${name} has ${version}`);
  }
});

test("a backend is found by its arithmetic of training and of evaluation, and by no other", () => {
  for (const backend of backends) {
    assert.equal(backendOf(arithmetics[backend]), backend);
    assert.equal(backendOf(evaluationArithmetics[backend]), backend);
  }
  for (const other of [arithmetics.averaging, "tfjs-wasm-simd/4.22.0", "", undefined]) assert.equal(backendOf(other), undefined);
});
