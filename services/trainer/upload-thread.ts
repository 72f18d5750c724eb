// The thread that hashes large states and sends them to the catalog while the training goes on. See uploads.ts.
import { parentPort, workerData } from "node:worker_threads";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { connect } from "#libs/rpc";
import { uploadState } from "./saved-states.ts";
import type { UploadReply, UploadRequest, UploadSetup } from "./uploads.ts";

const { address, options } = workerData as UploadSetup;
let artifacts: Artifacts | undefined;

parentPort?.on("message", async ({ number, state }: UploadRequest) => {
  try {
    artifacts ??= createArtifacts(connect(address, options));
    parentPort?.postMessage({ number, ...(await uploadState(state, artifacts)) } satisfies UploadReply);
  } catch (error) {
    parentPort?.postMessage({ number, problem: error instanceof Error ? error.message : String(error) } satisfies UploadReply);
  }
});
