import { join } from "node:path";
import type { Client } from "./client.ts";
import { cache, root, runs } from "./run.ts";
import { withSystem } from "./system.ts";

const project = join(root, "examples/clients/java");
const maven = (...goals: readonly string[]) => runs("mvn", ["-B", "-q", "-f", project, `-Dbuilt=${join(cache, "java")}`, ...goals]);

/** The example in Java. */
export const java: Client = {
  name: "java",
  about: "examples/clients/java, stubs by protoc and grpc-java through Maven: the same as in Rust",
  missing: async () => {
    for (const tool of ["javac", "mvn"]) if (!(await runs(tool, ["-version"], { quiet: true }))) return tool;
    return undefined;
  },
  steps: [
    ["build", () => maven("compile")],
    ["a real system", () => withSystem((address) => maven("exec:java", `-Dexec.args=${address}`))],
  ],
};
