import { aborted, cancelled, failedPrecondition, invalidArgument, notFound, type RpcError } from "#libs/rpc";
import { quote } from "#libs/text";
import type { JobRecord, Refusal } from "./job.ts";

/** Nobody has submitted it. */
export function unknownJob(id: string): RpcError {
  return notFound(`there is no job ${quote(id)}`, { reason: "JOB_UNKNOWN" });
}

/** The attempt does not have the job: it has ended, or another one was faster. */
export function staleAttempt(job: JobRecord, attempt: number): RpcError {
  const message = `attempt ${attempt} of job ${job.id} is stale: the newest is ${job.attempt}, and the job is ${job.state}`;
  return aborted(message, { reason: "ATTEMPT_STALE" });
}

/** How the progress stream of an attempt ends that does not have its job any more. */
export function revocation(job: JobRecord, attempt: number): RpcError {
  if (job.state === "cancelled") {
    const why = job.error === "" ? `nobody needs job ${job.id} any more` : `job ${job.id} was ${job.error}`;
    return cancelled(why, { reason: "JOB_CANCELLED" });
  }
  return staleAttempt(job, attempt);
}

/** A trainer was offered what it cannot run. `lack` completes "no trainer …". */
export function unfit(job: JobRecord, trainer: string, lack: string): RpcError {
  return failedPrecondition(`job ${job.id} is not for ${trainer}: no trainer like that ${lack}`, { reason: "JOB_UNFIT" });
}

/** A trainer gets no work. @param why a clause */
export function parkedTrainer(trainer: string, why: string): RpcError {
  return failedPrecondition(`trainer ${trainer} is parked: ${why}`, { reason: "TRAINER_PARKED" });
}

/** Why an event does not apply to a job, for the caller whose attempt it is. */
export function refusal(job: JobRecord, refused: Refusal, attempt: number): RpcError {
  switch (refused) {
    case "leased":
      return failedPrecondition(`job ${job.id} is in the hands of ${job.trainer}`, { reason: "JOB_LEASED" });
    case "done":
      return failedPrecondition(`job ${job.id} needs no work, it is ${job.state}`, { reason: "JOB_DONE" });
    case "stale":
      return staleAttempt(job, attempt);
    case "unretryable":
      return failedPrecondition(`job ${job.id} is ${job.state}; only one that has failed or was cancelled is tried again`, {
        reason: "JOB_NOT_RETRYABLE",
      });
  }
}

/** What an attempt has made is not what its recipe makes. @param field of CompleteAttempt; @param description a clause with the tensor's name */
export function invalidOutputs(field: string, description: string): RpcError {
  return invalidArgument(`${field}: ${description}`, { reason: "OUTPUTS_INVALID", violations: [{ field, description }] });
}

/** What an attempt says that it has made is not in the catalog. */
export function blobMissing(cause: RpcError): RpcError {
  return failedPrecondition(`an output is not in the catalog: ${cause.message}; upload it first`, { reason: "BLOB_MISSING", cause });
}
