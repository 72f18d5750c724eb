import { createArtifacts } from "#libs/artifacts";
import { buildSourceManifest, digestOf, mediaTypes } from "#libs/recipes";
import type { RpcChannel } from "#libs/rpc";
import { saveFloat32 } from "#libs/tensors";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { example, exampleStudy } from "../../services/recycling/testing/plans.ts";

/**
 * Right requests of RPCs, as initialisers of messages; of a stream its messages. Behind the name of an RPC with requests of several forms
 * stands which it is. An RPC that is not here is called with an empty one.
 */
export type RightRequests = { readonly [rpc: string]: readonly Record<string, unknown>[] };

/** Fills a system with one thing of each kind, and asks for it in every way. */
export async function rightRequests(channel: RpcChannel): Promise<RightRequests> {
  const artifacts = createArtifacts(channel);
  const catalog = channel.client(CatalogService);
  const file = (x: number) => saveFloat32(new Map([["w", { shape: [4], data: Float32Array.of(x, 1, 2, 3) }]]), { format: "pt" });
  const models: string[] = [];
  for (const x of [1, 2]) {
    const { digest } = await artifacts.upload(file(x), { mediaType: mediaTypes.weights });
    const { artifact } = await catalog.importModel({ files: [{ digest }], licence: "MIT", source: `model ${x}`, architecture: "mlp" });
    models.push(artifact!.digest);
  }
  const [model, other] = models as [string, string];
  const blob = digestOf(file(1));
  const text = await artifacts.upload(Buffer.from("abc"), { mediaType: mediaTypes.sourceLayer });
  const parameters = { files: [{ path: "abc", digest: text.digest, bytes: 3 }], licence: "MIT", source: "here" };
  const source = buildSourceManifest({ recipe: { kind: "import", inputs: {}, parameters }, licences: ["MIT"], files: [text] });
  const { digest: data } = await artifacts.publish(source);
  await catalog.moveRef({ name: "birds/champion", to: model });
  const averaging = channel.client(AveragingService);
  const { session, secret } = await averaging.openSession({ licence: "MIT" });
  const finetune = channel.client(FinetuneService);
  const glyphs = { generator: "glyphs/1", classes: 2, images: 4, styles: ["plain"], rotation: 0, alphabetSeed: 1 };
  const recipe = JSON.stringify({ kind: "dataset", inputs: {}, parameters: glyphs, seed: 1 });
  const { job } = await finetune.submitJob({ recipe, label: "glyphs", runId: "run-1" });
  const engine = { name: "wasm", device: "cpu", arithmetics: ["~train/2 images/1"], networks: ["mlp"], builtInNetworks: true };
  const trainer = { id: "trainer-of-the-test", name: "trainer-1", device: "cpu", engines: [engine], kinds: ["train"], memoryMib: 1024 };
  await finetune.announceTrainer({ trainer });
  const { attempt } = await finetune.beginAttempt({ jobId: job!.id, trainer: "trainer-1" });
  const mine = { jobId: job!.id, attempt };
  const access = { sessionId: session!.id, secret, contributor: "ann" };
  const average = { kind: "average", inputs: { models }, parameters: { method: "uniform" }, arithmetic: "exact-mean/1" };
  return {
    "CatalogService/UploadBlob": [
      { part: { case: "header", value: { digest: blob, sizeBytes: BigInt(file(1).length), keep: true, offset: 0n } } },
      { part: { case: "chunk", value: file(1) } },
    ],
    "CatalogService/GetUpload": [{ digest: blob }],
    "CatalogService/DownloadBlob": [{ digest: blob, offset: 1n, length: 2n }],
    "CatalogService/ReadTensors": [
      { artifact: { case: "digest", value: model }, tensors: [{ name: "w", slices: [{ begin: 0n, end: 2n }] }], describeOnly: true },
    ],
    "CatalogService/PublishArtifact": [{ manifest: source.manifest, blobs: [source.config] }],
    "CatalogService/ImportModel": [{ files: [{ digest: blob }], licence: "MIT", source: "elsewhere", architecture: "mlp", base: other }],
    "CatalogService/GetArtifact": [{ name: { case: "digest", value: model } }],
    "CatalogService/FindArtifacts": [{ recipeKeys: [model] }],
    "CatalogService/ListArtifacts": [{ kind: 3, pageSize: 10 }],
    "CatalogService/GetLineage": [{ digest: model, depth: 1 }],
    "CatalogService/FindCommonAncestors": [{ digests: models }],
    "CatalogService/ExportLineage": [{ artifact: model, format: 1 }],
    "CatalogService/DiffArtifacts": [{ from: model, to: "birds/champion", tensors: false }],
    "CatalogService/DeleteTag": [{ name: "birds:2.0" }],
    "CatalogService/ListTags": [{ prefix: "birds:", pageSize: 10 }],
    "CatalogService/SetRetentionRule filter": [{ rule: { name: "noted", filter: "recipe = import", keepSeconds: 60n } }],
    "CatalogService/SetRetentionRule moves": [{ rule: { name: "moves", refPrefix: "birds/", keepMoves: 3 } }],
    "CatalogService/DeleteRetentionRule": [{ name: "nothing" }],
    "CatalogService/GetStorageUsage": [{ group: { case: "refPrefix", value: "birds/" }, pageSize: 10 }],
    "CatalogService/MoveRef": [{ name: "birds/champion", from: model, to: model, reason: "better" }],
    "CatalogService/ListRefs": [{ prefix: "birds/", pageSize: 10 }],
    "CatalogService/Pin": [{ holder: "test", digests: [model] }],
    "CatalogService/Unpin": [{ holder: "test", digests: [model], discard: false }],
    "CatalogService/DeleteArtifact": [{ digest: model }],
    "CatalogService/CollectGarbage": [{ dryRun: true, minAgeSeconds: 60n }],
    "AveragingService/Average": [
      { models, method: "linear", weights: [1, 2], parameters: { normalize: { kind: { case: "boolValue", value: true } } }, dtype: "F32" },
    ],
    "AveragingService/CheckModels": [{ models, base: other, exclude: ["head"] }],
    "AveragingService/OpenSession": [
      {
        ...{ method: "weighted", weights: { ann: 1 }, layout: [{ name: "w", dtype: "F32", shape: [4n] }], dtype: "F32" },
        ...{ architecture: "mlp", licence: "MIT", expiresInSeconds: 60n, maxContributionBytes: 1000n, maxContributors: 3 },
      },
    ],
    "AveragingService/Contribute": [
      { part: { case: "header", value: { ...access, sizeBytes: BigInt(file(1).length), digest: blob, artifact: model } } },
    ],
    "AveragingService/Withdraw": [{ part: { case: "header", value: access } }],
    "AveragingService/Snapshot": [{ sessionId: session!.id }],
    "AveragingService/GetSession": [{ sessionId: session!.id }],
    "AveragingService/ListContributions": [{ sessionId: session!.id, pageSize: 10 }],
    "AveragingService/ListSessions": [{ pageSize: 10 }],
    "AveragingService/WatchSession": [{ sessionId: session!.id }],
    "AveragingService/CloseSession": [{ sessionId: session!.id, secret: "not this one" }],
    "EvaluationService/Evaluate typed": [{ predictions: [model], measure: "calibration", bins: 4 }],
    "EvaluationService/Evaluate recipe": [{ recipe: JSON.stringify(average) }],
    "FinetuneService/SubmitJob": [
      { recipe, label: "glyphs", runId: "run-1", needs: { device: "cpu", backend: "wasm", memoryMib: 100, backends: ["wasm"] } },
    ],
    "FinetuneService/GetJob": [{ id: job!.id }],
    "FinetuneService/ListJobs": [{ runId: "run-1", states: [1], pageSize: 10 }],
    "FinetuneService/WatchJobs": [{ runId: "run-1" }],
    "FinetuneService/RetryJob": [{ id: job!.id }],
    "FinetuneService/CancelJob": [{ id: "job-of-nobody", reason: "test" }],
    "FinetuneService/CancelJobs": [{ runId: "run-2", jobIds: ["job-of-nobody"] }],
    "FinetuneService/AnnounceTrainer": [
      { trainer: { ...trainer, accelerator: { model: "H200", memoryMib: 1000 }, environment: { os: "linux" } }, contract: 1 },
    ],
    "FinetuneService/ListTrainers": [{ pageSize: 10 }],
    "FinetuneService/GetTrainer": [{ name: "trainer-1" }],
    "FinetuneService/TakeJob": [{ trainerId: "one that never came, so that nobody waits", waitSeconds: 1 }],
    "FinetuneService/BeginAttempt": [{ jobId: job!.id, trainer: "trainer-1", trainerId: trainer.id, environment: { os: "linux" } }],
    "FinetuneService/ReportProgress": [{ ...mine, progress: { step: 1, steps: 10, stepsPerSecond: 1, loss: 1, validationAccuracy: 0.5 } }],
    "FinetuneService/SaveCheckpoint": [{ ...mine, checkpoint: blob, step: 1, format: "test/1" }],
    "FinetuneService/SkipCheckpoint": [{ ...mine, fromStep: 0, reason: "test" }],
    "FinetuneService/CompleteAttempt": [
      { ...mine, cpuMs: 1n, outputs: [{ role: "data", digest: blob, sizeBytes: BigInt(file(1).length) }], summary: "{}", curve: "" },
    ],
    "FinetuneService/FailAttempt": [{ ...mine, error: "test", permanent: true }],
    "FinetuneService/ReleaseAttempt": [mine],
    "CatalogService/CreateTag": [{ name: "birds:1.0", digest: model }],
    "CatalogService/AnnotateArtifact": [{ digest: model, set: { team: "birds" }, remove: ["mood"] }],
    "RecyclingService/StartRun study": [{ spec: exampleStudy() }],
    "RecyclingService/StartRun digits": [{ spec: example("tiny", data) }],
    "RecyclingService/GetRun": [{ id: "run-0123456789abcdef" }],
    "RecyclingService/ListRuns": [{ pageSize: 10 }],
    "RecyclingService/WatchRun": [{ id: "run-0123456789abcdef" }],
    "RecyclingService/CancelRun": [{ id: "run-0123456789abcdef" }],
    "RecyclingService/DeleteRun": [{ id: "run-0123456789abcdef" }],
    "RecyclingService/GetReport": [{ id: "run-0123456789abcdef" }],
    "RecyclingService/Reproduce": [{ digest: model }],
    "SystemService/WatchEvents": [{ subjects: ["ratatouille.v1.job.finished"], sinceMs: 1n }],
  };
}
