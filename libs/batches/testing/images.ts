import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ImageRows } from "../types.ts";

const folder = new URL("../../../test/fixtures/images/decoding/", import.meta.url);

/** Files of test/fixtures/images/decoding as rows: the class of each is its row modulo 3. */
export function fixtureImages(): ImageRows & { readonly count: number } {
  const names = readdirSync(folder)
    .filter((name) => !name.endsWith(".json"))
    .sort();
  const paths = names.map((name) => fileURLToPath(new URL(name, folder)));
  return {
    count: names.length,
    labels: Int32Array.from(names, (_, row) => row % 3),
    fileOf: (row) => ({ path: paths[row]!, offset: 0, bytes: statSync(paths[row]!).size }),
    nameOf: (row) => names[row]!,
  };
}
