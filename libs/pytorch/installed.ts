import { createHash } from "node:crypto";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { filesBelow } from "#libs/files";
import { CLIENT, torchPlace } from "./place.ts";

const schema = v.object({
  python: v.string(),
  trainer: v.string(),
  torch: v.string(),
  torchvision: v.string(),
  timm: v.string(),
  gpus: v.array(v.string()),
  own: v.boolean(),
  client: v.string(),
});

/**
 * An environment of Python with PyTorch and the trainer. `trainer` is its command; `gpus` are those that torch found when it was set up; `own`:
 * it was made by somebody else; `client`: which version of the trainer is in it.
 */
export type Installed = v.InferOutput<typeof schema>;

/** The environment that was set up last; undefined if there is none, or one that is not there any more. */
export async function findTorch(env: NodeJS.ProcessEnv = process.env): Promise<Installed | undefined> {
  const text = await readFile(torchPlace(env).list, "utf8").catch(() => "");
  const said = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  if (!said.success) return undefined;
  const there = await Promise.all(
    [said.output.python, said.output.trainer].map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return there.every(Boolean) ? said.output : undefined;
}

/** The digest of the Python package as it is here: another one has to be installed anew. */
export async function clientDigest(): Promise<string> {
  const hash = createHash("sha256");
  const files = (await filesBelow(join(CLIENT, "src"))).map(({ path }) => path).filter((path) => path.endsWith(".py"));
  for (const path of files.sort()) hash.update(`${path}\0`).update(await readFile(join(CLIENT, "src", path)));
  return hash.update(await readFile(join(CLIENT, "pyproject.toml"))).digest("hex");
}
