import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };

/** The version of ratatouille, from package.json: one for all services. */
export const VERSION: string = manifest.version;
