import { spawn } from "node:child_process";
import { endWithThisProcess } from "../index.ts";

// Starts a shell that starts `sleep`, and says both ids once they are guarded; "group" makes the shell the leader of a group that is guarded
// as a whole.
const group = process.argv[2] === "group";
const child = spawn("sh", ["-c", "sleep 300 & echo $$ $!; wait"], { stdio: ["ignore", "pipe", "inherit"], detached: group });
endWithThisProcess(child, { group });
child.stdout.once("data", (ids: Buffer) => process.stdout.write(ids));
