import { toBinary } from "@bufbuild/protobuf";
import { type Job, JobSchema } from "#proto/ratatouille/v1/finetune_pb.ts";

/** Bytes of jobs in one message: a quarter of what a message may have, which leaves room for what runs. */
const MOST_BYTES = 1 << 20;

/** Jobs in order, as many together as one message has room for. */
export function inMessages(jobs: readonly Job[]): Job[][] {
  const parts: Job[][] = [];
  let room = 0;
  for (const job of jobs) {
    const bytes = toBinary(JobSchema, job).length + 8;
    if (bytes > room) {
      parts.push([]);
      room = MOST_BYTES;
    }
    parts.at(-1)!.push(job);
    room -= bytes;
  }
  return parts;
}
