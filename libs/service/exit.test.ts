import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, exitCodeOf, InterruptedError, UsageError } from "./index.ts";

const interrupted = AbortSignal.abort(new InterruptedError("SIGINT"));

for (const [name, error, signal, code] of [
  ["an unexpected error", new Error("disk on fire"), undefined, 1],
  ["wrong usage", new UsageError("no such file"), undefined, 2],
  ["wrong configuration", new ConfigError(["PORT is not set"]), undefined, 2],
  ["an interruption", new InterruptedError("SIGTERM"), undefined, 130],
  ["an error after an interruption", new Error("call cancelled"), interrupted, 130],
  ["wrong usage, found after an interruption", new UsageError("no such file"), interrupted, 2],
] as const) {
  test(`${name} exits with ${code}`, () => {
    assert.equal(exitCodeOf(error, signal), code);
  });
}
