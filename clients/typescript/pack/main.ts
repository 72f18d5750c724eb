/** `npm run pack`: the npm package of the TypeScript client, as a tarball. */
import { mkdir, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { pack } from "./pack.ts";

const root = join(import.meta.dirname, "../../..");

const usage = `Usage: npm run pack -- [options]

Emits JavaScript, declarations and source maps of the client, merging and safetensors, and packs them for npm.

Options:
  --out DIR   where the tarball goes (out)
  --help      print this`;

const { values } = parseArgs({ options: { out: { type: "string", default: "out" }, help: { type: "boolean", default: false } } });
if (values.help) process.stdout.write(`${usage}\n`);
else {
  const out = resolve(values.out);
  await mkdir(out, { recursive: true });
  const tarball = await pack(root, out);
  process.stdout.write(`${relative("", tarball)}, ${Math.round((await stat(tarball)).size / 1000)} kB\n`);
}
