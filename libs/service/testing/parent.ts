// A parent for runtime.test.ts: starts life.ts, says its process id, and waits to be killed.
import { fileURLToPath } from "node:url";
import { spawnScript } from "../index.ts";

const stdin = process.argv[2] === "pipe" ? "pipe" : "ignore";
const child = spawnScript(fileURLToPath(new URL("life.ts", import.meta.url)), ["orphan"], { stdio: [stdin, "pipe", "inherit"] });
child.stdout?.once("data", () => process.stdout.write(`${child.pid}\n`));
