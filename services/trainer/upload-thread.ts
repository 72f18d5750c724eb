// The thread that hashes large states and sends them to the catalog while the training goes on. See uploads.ts.
import { parentPort, workerData } from "node:worker_threads";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { connect } from "#libs/rpc";
import { uploadState } from "./saved-states.ts";
import type { UploadReply, UploadRequest, UploadSetup } from "./uploads.ts";

const { address, options } = workerData as UploadSetup;
let artifacts: Artifacts | undefined;

/** CPU time of this thread alone, in milliseconds. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

parentPort?.on("message", async ({ number, state }: UploadRequest) => {
  try {
    artifacts ??= createArtifacts(connect(address, options));
    const beganMs = threadCpuMs();
    const uploaded = await uploadState(state, artifacts);
    // Sending takes more than hashing, which is all that the upload itself can time where other work goes on between its parts.
    parentPort?.postMessage({ number, ...uploaded, busyMs: threadCpuMs() - beganMs } satisfies UploadReply);
  } catch (error) {
    parentPort?.postMessage({ number, problem: error instanceof Error ? error.message : String(error) } satisfies UploadReply);
  }
});
