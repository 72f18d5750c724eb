import type { Kind } from "./mutations.ts";

/** What may be said in any field: a default, a limit that others have, or what is not found. */
const ALWAYS: ReadonlySet<Kind> = new Set(["missing", "empty", "huge", "strange text", "too many", "another wire type", "unknown digest"]);

const ANY: readonly Kind[] = ["negative", "not finite", "too long", "several lines", "unknown value"];

/** Wrong values that are taken all the same, as the contract says. */
const TAKEN: readonly (readonly [rpc: RegExp, path: RegExp, kinds: readonly Kind[], why: string])[] = [
  [/\/AnnounceTrainer$/, /^trainer\.(since_ms|jobs|parked)/, ANY, "set by the service, and left out by trainers"],
  [/\/UploadBlob$/, /^header\.size_bytes$/, ["negative"], "-1: not announced"],
  [/\/(Average|OpenSession)$/, /^weights/, ["negative"], "weights are any numbers"],
  [/\/StartRun/, /^spec\.target\.(domains|held_out)/, ["negative"], "degrees in either direction"],
  [/\/ReportProgress$/, /^progress\.(steps_per_second|loss|valid\w+)$/, ["negative", "not finite"], "shown as they are reported"],
  [/\/SkipCheckpoint$/, /^reason$/, ["too long", "several lines"], "the beginning is kept, made printable"],
  [/\/StartRun study$/, /^spec\.study\.target\.(domains|classes)\[0\]$/, ["several lines"], "names are those of folders"],
  [
    /\/StartRun study$/,
    /^spec\.study\.auxiliaries\[0\]\.(probe|training)\./,
    ["negative", "not finite"],
    "of one with models nobody reads it",
  ],
  [/\/StartRun digits$/, /^spec\.(backends|device)/, ["too long", "several lines"], "of a study"],
  [/\/(CheckModels|OpenSession)$/, /^(exclude|layout\[0\]\.name)/, ["too long", "several lines"], "tensors may have any name"],
  [/\/(ListArtifacts|SetRetentionRule filter)$/, /filter$/, ["several lines"], "words are apart by white space of any kind"],
];

/** Whether an RPC may take this. */
export function isHarmless(rpc: string, path: string, kind: Kind): boolean {
  return ALWAYS.has(kind) || TAKEN.some(([rpcs, paths, kinds]) => kinds.includes(kind) && rpcs.test(rpc) && paths.test(path));
}

/** Fields that are wrong together with another one, which is the one that is named. */
const TOGETHER: readonly (readonly [rpc: RegExp, path: RegExp])[] = [
  [/\/Average$/, /^(recipe|method)$/],
  [/\/OpenSession$/, /^method$/],
  [/\/Evaluate recipe$/, /^recipe$/],
  // What is measured there is no prediction.
  [/\/Evaluate typed$/, /./],
];

export function mayBlameOthers(rpc: string, path: string): boolean {
  return TOGETHER.some(([rpcs, paths]) => rpcs.test(rpc) && paths.test(path));
}
