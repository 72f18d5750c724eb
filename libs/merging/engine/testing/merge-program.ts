/** A program for faults.test.ts, which limits the size of its files: merges two models, and says the kind and the message of what went wrong. */
import { openModel } from "#libs/models";
import { MergeError } from "../errors.ts";
import { runMerge } from "../run-merge.ts";
import { planOf } from "./models.ts";

const [folder = "", directory = ""] = process.argv.slice(2);
const plan = await planOf([await openModel(`${folder}/model-0.safetensors`), await openModel(`${folder}/model-1.safetensors`)]);
const { signal } = new AbortController();
const error = await runMerge(plan, { directory, threads: 2, inlineBytes: 0, signal }).catch((caught: unknown) => caught);
process.stdout.write(error instanceof MergeError ? `${error.kind} ${error.message}\n` : `${String(error)}\n`);
