/**
 * A program for faults.test.ts, which limits the size of its files, kills it, or runs it in a container: merges two models, and says the kind
 * and the message of what went wrong, or "made". With a third argument it says "half" when it is half done, and stays there while that file
 * exists.
 */
import { existsSync } from "node:fs";
import { openModel } from "#libs/models";
import { MergeError } from "../errors.ts";
import { runMerge } from "../run-merge.ts";
import { planOf } from "./models.ts";

const [folder = "", directory = "", wait = ""] = process.argv.slice(2);
const plan = await planOf([await openModel(`${folder}/model-0.safetensors`), await openModel(`${folder}/model-1.safetensors`)]);
const { signal } = new AbortController();
let told = wait === "";
const outcome = await runMerge(plan, {
  ...{ directory, threads: 2, inlineBytes: 0, journalMs: 0, signal },
  onProgress({ readBytes, totalBytes }) {
    if (told || readBytes < totalBytes / 2) return;
    told = true;
    process.stdout.write("half\n");
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    while (existsSync(wait)) Atomics.wait(nothing, 0, 0, 10);
  },
}).catch((caught: unknown) => caught);
process.stdout.write(
  outcome instanceof MergeError ? `${outcome.kind} ${outcome.message}\n` : outcome instanceof Error ? `${String(outcome)}\n` : "made\n",
);
