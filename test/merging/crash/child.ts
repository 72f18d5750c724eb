/** A program for crash.test.ts: makes the linear merge of some models and says what came out. It journals all the time. */

import { planMerge, runMerge } from "#libs/merging";
import { openModel, weightsDigest } from "#libs/models";

const [directory = "", method = "", ...paths] = process.argv.slice(2);
const { signal } = new AbortController();
const models = await Promise.all(paths.map((path) => openModel(path)));
const digests = await Promise.all(models.map((model) => weightsDigest(model, { signal })));
const [base, ...others] = models;
const [baseDigest, ...otherDigests] = digests;
const plan =
  method === "linear"
    ? planMerge({ method, models, digests, single: "out.safetensors" })
    : planMerge({ method, models: others, digests: otherDigests, base: base!, baseDigest: baseDigest!, single: "out.safetensors" });
process.stdout.write("ready\n");
const { files, readBytes, resumed } = await runMerge(plan, { directory, threads: 2, inlineBytes: 0, journalMs: 0, signal });
process.stdout.write(`${JSON.stringify({ digest: files[0]!.digest, readBytes, resumed })}\n`);
