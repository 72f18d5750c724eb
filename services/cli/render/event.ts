import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { Event } from "#proto/ratatouille/v1/system_pb.ts";
import { oneLine, short } from "../format.ts";
import { jobStateName } from "./job.ts";

const kindNames = new Map<number, string>(Object.entries(ArtifactKind).map(([name, value]) => [value, name.toLowerCase()]));

/** One event as a line for people: when, in this machine's time, and what happened. */
export function eventLine(event: Event): string {
  return `${localTime(Number(event.atMs))}  ${oneLine(whatHappened(event))}`;
}

function whatHappened({ subject, id, payload }: Event): string {
  switch (payload.case) {
    case "jobFinished": {
      const { jobId, state, artifact, error } = payload.value;
      const detail = artifact === "" ? error : `made ${short(artifact)}`;
      return `job ${jobId} ${jobStateName(state)}${detail === "" ? "" : `: ${detail}`}`;
    }
    case "artifactPublished":
      return `${kindName(payload.value.kind)} ${short(payload.value.digest)} published`;
    case "refMoved":
      return `${payload.value.name} is ${short(payload.value.digest)} now`;
    case "runStarted":
      return `run ${payload.value.runId} of ${payload.value.name} started`;
    case "runFinished":
      return `run ${payload.value.runId} ${payload.value.succeeded ? "succeeded" : "did not succeed"}`;
    default:
      return `${subject} (${id})`;
  }
}

function kindName(kind: ArtifactKind): string {
  return kindNames.get(kind) ?? "artifact";
}

function localTime(ms: number): string {
  const at = new Date(ms);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}
