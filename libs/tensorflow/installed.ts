import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { Variant } from "./packages.ts";
import { tensorflowPlace } from "./place.ts";

/** A TensorFlow that is set up. */
export type Installed = {
  readonly variant: Variant;
  /** As TensorFlow says it. */
  readonly version: string;
  readonly folder: string;
  /** The Node-API module. */
  readonly binding: string;
  readonly bytes: number;
};

/** In the folder of an installation: what it consists of. */
export const INSTALLED = "installed.json";

const schema = v.object({ version: v.string(), files: v.array(v.object({ path: v.string(), bytes: v.number() })) });

/** The installation of a variant in the user's cache; undefined if there is none, or one that lacks a file or a part of it, or its list. */
export async function findTensorflow(variant: Variant, env: NodeJS.ProcessEnv = process.env): Promise<Installed | undefined> {
  const { folder, binding } = tensorflowPlace(variant, env);
  const text = await readFile(join(folder, INSTALLED), "utf8").catch(() => "");
  const said = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  if (!said.success) return undefined;
  const { version, files } = said.output;
  const sizes = await Promise.all(
    files.map(({ path }) =>
      stat(join(folder, path)).then(
        ({ size }) => size,
        () => -1,
      ),
    ),
  );
  if (files.some(({ bytes }, i) => sizes[i] !== bytes)) return undefined;
  return { variant, version, folder, binding, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
}
