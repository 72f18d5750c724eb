import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { encodePng } from "../png.ts";

/** A PNG of 12 x 10 grey pixels that differs from those of other numbers. */
export function smallPng(number: number): Uint8Array {
  const data = Uint8Array.from({ length: 120 }, (_, i) => (i * (1 + (number % 13)) + 37 * number) % 251);
  return encodePng({ width: 12, height: 10, channels: 1, data });
}

/** Writes files into a folder, by path; a number stands for an image. */
export async function writeFolder(root: string, files: { readonly [path: string]: string | Uint8Array | number }): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), typeof content === "number" ? smallPng(content) : content);
  }
}
