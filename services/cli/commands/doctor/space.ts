import { fileURLToPath } from "node:url";
import { bytesBelow } from "#libs/files";
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
  const sizes = await Promise.all(places.map(([, place]) => bytesBelow(place)));
  const parts = places.map(([what], i) => `${what} ${bytes(sizes[i] ?? 0)}`);
  return { topic: "space", right: true, fact: `${parts.join(", ")}: ${bytes(sizes.reduce((a, b) => a + b, 0))} in all` };
}
