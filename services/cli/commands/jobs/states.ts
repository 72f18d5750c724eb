import { InvalidArgumentError } from "commander";
import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { jobStateName } from "../../render/job.ts";

/** The value of `--state`, which may be given several times or with commas. @throws InvalidArgumentError */
export function parseJobStates(text: string, before: readonly JobState[] = []): JobState[] {
  const known = new Map(
    Object.values(JobState)
      .filter((state) => state !== JobState.UNSPECIFIED)
      .map((state) => [jobStateName(state), state as JobState]),
  );
  const states = text.split(",").map((name) => {
    const state = known.get(name.trim().toLowerCase());
    if (state === undefined) throw new InvalidArgumentError(`Expected ${[...known.keys()].join(", ")}.`);
    return state;
  });
  return [...before, ...states];
}
