/**
 * Prepares batches of JPEGs of a folder for training, and prints JSON: the seconds that `images` of them took, and of CPU, and what share of its time a
 * trainer waits whose steps keep its core busy for a fifth longer than a batch keeps the others.
 * Usage: loader-process.ts FOLDER THREADS IMAGES
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { openBatches, openLoader } from "#libs/batches";

export type LoaderTimes = { readonly seconds: number; readonly cpuSeconds: number; readonly waiting: number };

const BATCH = 32;
const MOST_BUSY_STEPS = 30;
const [folder = "", threads = "1", images = "1024"] = process.argv.slice(2);
const names = readdirSync(folder).sort();
const files = names.map((name) => ({ path: join(folder, name), offset: 0, bytes: statSync(join(folder, name)).size }));
await using loader = openLoader({
  images: { labels: new Int32Array(names.length), fileOf: (row) => files[row]!, nameOf: (row) => names[row]! },
  shape: { channels: 3, height: 224, width: 224 },
  threads: Number(threads),
  cacheBytes: 0,
});
const rows = names.map((_, row) => row);
await using source = openBatches({ loader, domains: [rows], seed: 1, batch: BATCH, replacement: false, transform: "domainbed/1" });
let step = 0;
const next = () => source.batch(++step);

for (let warm = 0; warm < Number(threads) + 3; warm++) await next();
const steps = Math.ceil(Number(images) / BATCH);
const begin = performance.now();
const used = process.cpuUsage();
for (let i = 0; i < steps; i++) await next();
const seconds = (performance.now() - begin) / 1000;
const { user, system } = process.cpuUsage(used);
const cpuSeconds = (user + system) / 1e6;

// Steps of TensorFlow hold the thread, too.
const stepMs = (1200 * cpuSeconds) / steps / Number(threads);
await next();
const busySteps = Math.min(MOST_BUSY_STEPS, steps);
let waitedMs = 0;
for (let i = 0; i < busySteps; i++) {
  const end = performance.now() + stepMs;
  while (performance.now() < end);
  await next();
  waitedMs += performance.now() - end;
}
const times: LoaderTimes = { seconds, cpuSeconds, waiting: waitedMs / (busySteps * stepMs + waitedMs) };
process.stdout.write(JSON.stringify(times));
