import assert from "node:assert/strict";
import { test } from "node:test";
import { isCutWhileWriting } from "./cut-while-writing.ts";

const ofClient = (error: string) => `Received RST_STREAM with code 2 triggered by internal client error: ${error}`;

test("a connection that was cut under a call is told from an error of the server, as Node, Bun and Deno word it", () => {
  for (const error of ["write EPIPE", "Broken pipe (os error 32): EPIPE", "This socket has been ended by the other party"])
    assert.ok(isCutWhileWriting(ofClient(error)), error);
  for (const details of [ofClient("Protocol error"), "write EPIPE", "Received RST_STREAM with code 2 (Internal server error)"])
    assert.ok(!isCutWhileWriting(details), details);
});
