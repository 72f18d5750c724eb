import { spawn } from "node:child_process";
import { endWithThisProcess } from "../index.ts";

// Starts a shell that starts `sleep`, and prints both ids; "group" makes the shell the leader of a group that is guarded as a whole.
const group = process.argv[2] === "group";
const child = spawn("sh", ["-c", "sleep 300 & echo $$ $!; wait"], { stdio: ["ignore", "inherit", "inherit"], detached: group });
endWithThisProcess(child, { group });
