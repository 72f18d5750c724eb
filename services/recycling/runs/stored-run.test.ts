import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { RunSchema, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { readRun, runText } from "./stored-run.ts";

test("a run is read as it was stored", () => {
  const run = create(RunSchema, { id: "run-1", spec: { name: "birds", seeds: [1, 2] }, state: RunState.SUCCEEDED, notes: ["said"] });
  assert.deepEqual(readRun("run-1", runText(run)), run);
});

test("a run that another version wrote has failed, by name and with what is not known here", () => {
  const text = '{"id":"run-1","spec":{"name":"birds","study":{"pictures":[3]}},"state":"RUNNING"}';
  const { id, spec, state, error } = readRun("run-1", text);
  assert.deepEqual([id, spec?.name, spec?.study, state], ["run-1", "birds", undefined, RunState.FAILED]);
  assert.match(error, /^another version of ratatouille has written this run: .*"pictures" is unknown; start its run file again/);
});
