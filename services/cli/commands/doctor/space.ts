import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { natsServerPlace } from "#libs/programs";
import { bytes } from "../../format.ts";
import type { Finding } from "./finding.ts";

const PACKAGES = fileURLToPath(new URL("../../../../node_modules", import.meta.url));

/** How much the installation takes: packages, nats-server in the user's cache, and the data directory. What is not there takes nothing. */
export async function checkSpace(data: string): Promise<Finding> {
  const places = [
    ["packages", PACKAGES],
    ["nats-server", natsServerPlace().folder],
    ["data", data],
  ] as const;
  const sizes = await Promise.all(places.map(([, place]) => sizeOf(place)));
  const parts = places.map(([what], i) => `${what} ${bytes(sizes[i] ?? 0)}`);
  return { topic: "space", right: true, fact: `${parts.join(", ")}: ${bytes(sizes.reduce((a, b) => a + b, 0))} in all` };
}

/** Bytes of the files below a folder, one with several names once. What goes away meanwhile, or may not be read, is not counted; links are not followed. */
export async function sizeOf(folder: string, counted: Set<string> = new Set()): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  let total = 0;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) total += await sizeOf(path, counted);
    const found = entry.isFile() ? await lstat(path).catch(() => undefined) : undefined;
    if (found === undefined) continue;
    const file = `${found.dev}:${found.ino}`;
    if (found.nlink > 1 && counted.has(file)) continue;
    counted.add(file);
    total += found.size;
  }
  return total;
}
