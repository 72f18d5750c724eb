import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { digestOf } from "#libs/recipes";
import { parseRunFile } from "#libs/runfile";
import { RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { planRun } from "../../services/recycling/plan/planners.ts";
import type { Node } from "../../services/recycling/plan/template.ts";

/** The jobs of a run file in an order in which they can be done, and the handwriting that they start from. */
export type PlannedFile = {
  readonly nodes: readonly Node[];
  readonly source: { readonly digest: `sha256:${string}`; readonly files: ReadonlyMap<string, Uint8Array> };
};

const DATA_FILES = ["images-idx3-ubyte", "labels-idx1-ubyte"];

/** Plans a run as the recycling service does. The source's digest is one of its own, since nothing is published. */
export async function planFile(path: string): Promise<PlannedFile> {
  const { spec, dataPath } = parseRunFile(await readFile(path, "utf8"), { path });
  const files = new Map<string, Uint8Array>();
  for (const name of DATA_FILES) files.set(name, new Uint8Array(await readFile(join(dataPath, name))));
  const source = digestOf("bare source");
  spec.target.source = source;
  return { nodes: planRun(create(RunSpecSchema, spec)).nodes, source: { digest: source, files } };
}
