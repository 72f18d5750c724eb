import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { address } from "./index.ts";

for (const [text, right] of [
  ["127.0.0.1:7070", true],
  ["[::1]:7070", true],
  ["catalog.svc.cluster.local:443", true],
  ["localhost", false],
  ["localhost:99999", false],
  ["http://localhost:1", false],
  ["::1:7070", false],
] as const) {
  test(`${text} is ${right ? "an" : "no"} address`, () => {
    assert.equal(v.safeParse(address(), text).success, right);
  });
}
