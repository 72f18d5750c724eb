import { readFile } from "node:fs/promises";
import type { Runner } from "#libs/threads";
import { type Inspected, inspectImage, type Unusable } from "./inspect-image.ts";

/** Images: where their files are, or the bytes of those that have none. */
export type InspectUnit = readonly (string | Uint8Array)[];
/** What they are, in their order. */
export type InspectResult = readonly (Inspected | Unusable)[];

/** A thread of `inspectSet`: looks at images one after another, of which one is in memory at a time. */
export function setup(): Runner<InspectUnit, InspectResult> {
  return {
    async run(images) {
      const results: (Inspected | Unusable)[] = [];
      for (const image of images) results.push(await look(image));
      return results;
    },
    close() {},
  };
}

async function look(image: string | Uint8Array): Promise<Inspected | Unusable> {
  try {
    return await inspectImage(typeof image === "string" ? await readFile(image) : image);
  } catch (error) {
    return { kind: "unreadable", why: `cannot be read: ${(error as Error).message}` };
  }
}
