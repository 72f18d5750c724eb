import { create, fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { type Run, RunSchema, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";

/** A run as it is stored. */
export function runText(run: Run): string {
  return toJsonString(RunSchema, run);
}

/**
 * A run that was stored. One whose text another version wrote, with fields that this one does not know, is a failed run with its name: to
 * go on with a part of what was asked for would be another run, and the runs beside it can be read.
 */
export function readRun(id: string, text: string): Run {
  try {
    return fromJsonString(RunSchema, text);
  } catch (error) {
    const { spec } = JSON.parse(text) as { spec?: { name?: unknown } };
    return create(RunSchema, {
      id,
      spec: { name: String(spec?.name ?? "") },
      state: RunState.FAILED,
      error: `another version of ratatouille has written this run: ${(error as Error).message}; start its run file again: what it made is still there`,
    });
  }
}
