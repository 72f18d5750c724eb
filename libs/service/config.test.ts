import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { address, ConfigError, readConfig, wholeNumber } from "./index.ts";

const schema = v.object({
  PORT: v.optional(wholeNumber(0, 65_535), "7070"),
  SERVER: address(),
  MODE: v.optional(v.picklist(["wasm", "cpu"], "wasm or cpu"), "wasm"),
  SERVER_TOKEN: v.optional(v.pipe(v.string(), v.minLength(8, "at least 8 characters"))),
});

test("reads what is set, takes defaults for what is absent or empty, and ignores other variables", () => {
  const config = readConfig(schema, { SERVER: "localhost:7070", PORT: "", PATH: "/bin", MODE: undefined });
  assert.deepEqual(config, { SERVER: "localhost:7070", PORT: 7070, MODE: "wasm" });
});

test("reports every problem at once, and repeats no secret", () => {
  assert.throws(
    () => readConfig(schema, { PORT: "99999", MODE: "gpu", SERVER_TOKEN: "s3cret" }),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.problems, [
        'PORT must be a whole number from 0 to 65535, not "99999"',
        "SERVER is not set",
        'MODE must be wasm or cpu, not "gpu"',
        "SERVER_TOKEN must be at least 8 characters",
      ]);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    },
  );
});

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
