// Imports a folder of images into a catalog behind a real server, all in this process, and has tar write the same folder, in turns.
import { execFileSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import sharp from "sharp";
import { uint32 } from "#libs/deterministic";
import { syncFile } from "#libs/files";
import { checkImageSet, readImageSet } from "#libs/image-sets";
import { importImages } from "#libs/remote-images";
import { temporaryDirectory } from "#libs/testing";
import { startCatalog } from "../../services/catalog/testing/system.ts";
import type { ImportTimes } from "./import.ts";

const IMAGES = 10_000;
const SIDE = 227;
const DOMAINS = ["art_painting", "cartoon", "photo", "sketch"];
const CLASSES = ["dog", "elephant", "giraffe", "guitar", "horse", "house", "person"];

const runs = Number(process.argv[2] ?? 3);
await using directory = await temporaryDirectory("bench-import-");
const folder = directory.join("images");
await writeImages();

const times: ImportTimes = { tarMs: [], lookMs: [], importMs: [], importCpuMs: [], againMs: [], peakBytes: 0 };
// The first turn finds the files not in memory yet, and this process not warm.
for (let run = -1; run < runs; run++) {
  const tarMs = await timed(writeTar);
  const lookMs = await timed(look);
  await using catalog = await startCatalog();
  const before = process.cpuUsage();
  const importMs = await timed(() => importFolder(catalog));
  const cpu = process.cpuUsage(before);
  const againMs = await timed(() => importFolder(catalog));
  if (run < 0) continue;
  times.tarMs.push(tarMs);
  times.lookMs.push(lookMs);
  times.importMs.push(importMs);
  times.importCpuMs.push((cpu.user + cpu.system) / 1000);
  times.againMs.push(againMs);
}
process.stdout.write(JSON.stringify({ ...times, peakBytes: process.resourceUsage().maxRSS * 1024 }));

/** As PACS has them: files of about 15 kB of four domains and seven classes. */
async function writeImages(): Promise<void> {
  for (const domain of DOMAINS) for (const label of CLASSES) await mkdir(`${folder}/${domain}/${label}`, { recursive: true });
  for (let i = 0; i < IMAGES; i += 100) await Promise.all(Array.from({ length: 100 }, (_, k) => writeImage(i + k)));
}

async function writeImage(i: number): Promise<void> {
  const data = Uint8Array.from({ length: 16 * 16 * 3 }, (_, k) => uint32(i, k) & 0xff);
  const image = sharp(data, { raw: { width: 16, height: 16, channels: 3 } })
    .resize(SIDE, SIDE, { kernel: "cubic" })
    .jpeg({ quality: 90 });
  const [domain, label] = [DOMAINS[i % 4], CLASSES[(i >> 2) % 7]];
  await writeFile(`${folder}/${domain}/${label}/pic_${String(i).padStart(5, "0")}.jpg`, await image.toBuffer());
}

/** As durably as the catalog keeps what it is given. */
async function writeTar(): Promise<void> {
  const path = directory.join("images.tar");
  await rm(path, { force: true });
  execFileSync("tar", ["-cf", path, "-C", folder, "."]);
  await syncFile(path);
}

async function look(): Promise<void> {
  const { usable } = await checkImageSet(folder);
  if (!usable) throw new Error("images that were just written cannot be used");
}

async function importFolder({ artifacts }: Awaited<ReturnType<typeof startCatalog>>): Promise<void> {
  const { signal } = new AbortController();
  await importImages(await readImageSet(folder), artifacts, { licence: "CC0-1.0", source: "drawn", signal });
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
