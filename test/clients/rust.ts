import { join } from "node:path";
import type { Client } from "./client.ts";
import { cache, root, runs } from "./run.ts";
import { withLaterSystem, withSystem } from "./system.ts";

const folder = join(root, "examples/clients/rust");
const built = join(cache, "rust");
const program = [join(built, "debug/ratatouille-example"), ["{server}"]] as const;

/** The example in Rust. */
export const rust: Client = {
  name: "rust",
  about: "examples/clients/rust, stubs by tonic and protox: push, average, pull, a contribution that is cut and goes on",
  missing: async () => ((await runs("cargo", ["--version"], { quiet: true })) ? undefined : "cargo"),
  steps: [
    ["build", () => runs("cargo", ["build", "--quiet", "--locked"], { cwd: folder, env: { CARGO_TARGET_DIR: built } })],
    ["a real system", () => withSystem(...program)],
    ["one of a later version", () => withLaterSystem(...program)],
  ],
};
