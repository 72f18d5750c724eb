import { setTimeout as sleep } from "node:timers/promises";
import { after, createPulse } from "#libs/concurrency";
import { Code, isRpcError, type ServiceClient } from "#libs/rpc";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { BeginAttemptResponse, FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { download, upload } from "./blobs.ts";
import { compute } from "./compute.ts";
import { has } from "./faults.ts";
import { Hopeless, type Recipe } from "./inputs.ts";

type Clients = { readonly finetune: ServiceClient<typeof FinetuneService>; readonly catalog: ServiceClient<typeof CatalogService> };

const FORMAT = "raw/1";
const REPORT_MS = 300;
const REOPEN_MS = 200;
const RELEASE_MS = 500;

/** The job is another's, or nobody's. */
class Lost extends Error {}
/** The trainer is asked to end; its last state is saved. */
class Drained extends Error {}

/** Runs an attempt to its end, and says how it ended. @param drain aborts when the trainer is asked to end */
export async function runAttempt({ finetune, catalog }: Clients, begun: BeginAttemptResponse, drain: AbortSignal): Promise<void> {
  const { job, attempt, checkpoint, checkpointFormat, checkpointStep, inputs } = begun;
  const own = { jobId: job!.id, attempt };
  const recipe = JSON.parse(job!.recipe) as Recipe;
  const stop = new AbortController();
  const { signal } = stop;
  const every = Number(process.env["RATATOUILLE_CHECKPOINT_MS"] ?? 5000);
  const progress = { step: has("forgetful") ? 1 : checkpointStep, steps: recipe.parameters.steps ?? 0, loss: 0 };
  const reporting = report(finetune, own, progress, stop);
  let dueAt = performance.now() + every;
  try {
    const fetch = (digest: string) => download(catalog, digest, signal);
    const goesOn = checkpoint !== "" && checkpointFormat === FORMAT && !has("forgetful");
    const saved = goesOn ? { step: checkpointStep, state: await fetch(checkpoint) } : undefined;
    if (checkpoint !== "" && !saved && !has("forgetful"))
      await finetune.skipCheckpoint({ ...own, fromStep: 0, reason: `its format is ${checkpointFormat}, and not ${FORMAT}` });
    const onStep = async (step: number, loss: number, save: () => Uint8Array): Promise<void> => {
      Object.assign(progress, { step, loss });
      const ends = drain.aborted;
      if (ends && has("careless")) throw new Drained();
      if (performance.now() < dueAt && !ends) return;
      const digest = await upload(catalog, save(), signal);
      const saving = finetune.saveCheckpoint({ ...own, checkpoint: digest, step, format: FORMAT }, { signal });
      await (has("deaf") ? saving.catch(() => undefined) : saving);
      if (ends) throw new Drained();
      dueAt = performance.now() + every;
    };
    const { role, bytes, summary } = await compute({ recipe, inputs, download: fetch, signal, onStep, ...(saved ? { saved } : {}) });
    const digest = await upload(catalog, bytes, signal);
    const outputs = [{ role, digest, sizeBytes: BigInt(bytes.length) }];
    await finetune.completeAttempt({ ...own, outputs, summary: JSON.stringify(summary) });
  } catch (thrown) {
    const error = signal.aborted ? signal.reason : thrown;
    if (error instanceof Lost || isRpcError(error, Code.ABORTED)) return;
    const passes = error instanceof Drained || isRpcError(error, Code.UNAVAILABLE);
    if (passes) {
      await finetune.releaseAttempt(own, drain.aborted ? { timeoutMs: RELEASE_MS } : {});
      return;
    }
    if (has("fragile") || (has("brittle") && (error as NodeJS.ErrnoException).code === "ENOSPC")) process.exit(1);
    const permanent = error instanceof Hopeless && !has("hopeful");
    await finetune.failAttempt({ ...own, error: has("mute") ? "" : (error as Error).message, permanent });
  } finally {
    stop.abort(new Lost());
    await reporting;
  }
}

/** Keeps the lease, and learns that the attempt has lost its job. */
async function report(
  finetune: Clients["finetune"],
  own: { readonly jobId: string; readonly attempt: number },
  progress: { readonly step: number; readonly steps: number; readonly loss: number },
  stop: AbortController,
): Promise<void> {
  const { signal } = stop;
  const pulse = createPulse();
  signal.addEventListener("abort", () => pulse.beat());
  async function* reports() {
    while (!signal.aborted) {
      const seen = pulse.version;
      yield { ...own, progress: { ...progress } };
      using _ = after(REPORT_MS, pulse.beat);
      await pulse.changed(seen);
    }
  }
  while (!signal.aborted) {
    try {
      await finetune.reportProgress(reports(), { timeoutMs: 0 });
    } catch (error) {
      const lost =
        isRpcError(error, Code.ABORTED) || isRpcError(error, Code.CANCELLED, "JOB_CANCELLED") || isRpcError(error, Code.NOT_FOUND);
      if (has("nervous") && !lost && !signal.aborted) process.exit(1);
      if (has("impatient") && isRpcError(error, Code.UNAVAILABLE)) process.exit(1);
      if (lost && !has("deaf")) stop.abort(new Lost((error as Error).message));
    }
    await sleep(REOPEN_MS, undefined, { signal }).catch(() => undefined);
  }
}
