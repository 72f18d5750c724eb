import { join } from "node:path";
import type { Client } from "./client.ts";
import { cache, root, runs } from "./run.ts";
import { withLaterSystem, withSystem } from "./system.ts";

const maven = ["-B", "-q", "-f", join(root, "examples/clients/java"), `-Dbuilt=${join(cache, "java")}`];
const program = ["mvn", [...maven, "exec:java", "-Dexec.args={server}"]] as const;

/** The example in Java. */
export const java: Client = {
  name: "java",
  about: "examples/clients/java, stubs by protoc and grpc-java through Maven: the same as in Rust",
  missing: async () => {
    for (const tool of ["javac", "mvn"]) if (!(await runs(tool, ["-version"], { quiet: true }))) return tool;
    return undefined;
  },
  steps: [
    ["build", () => runs("mvn", [...maven, "compile"])],
    ["a real system", () => withSystem(...program)],
    ["one of a later version", () => withLaterSystem(...program)],
  ],
};
