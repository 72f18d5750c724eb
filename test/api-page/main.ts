/** `npm run test:api-page`: runs the commands of docs/api.md against a real system, and compares what they print. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { grpcurlProgram } from "#libs/programs";
import { temporaryDirectory } from "#libs/testing";
import { root, startCli } from "../e2e/cli.ts";
import { type Block, readPage } from "./page.ts";

const LIMIT_MS = 120_000;

await using directory = await temporaryDirectory();
const work = directory.join("work");
mkdirSync(work);
for (const name of ["ratatouille", "examples", "data"]) symlinkSync(join(root, name), join(work, name));
const grpcurl = await grpcurlProgram(process.env, () => process.stdout.write("installing grpcurl\n"));
execFileSync("jq", ["--version"]);

await using system = startCli(["up", "--listen", "127.0.0.1:0", "--web", "127.0.0.1:0", "--data", directory.join("data")], {
  env: { RATATOUILLE_TRAINERS: undefined },
});
const line = await system.line("listens on", 60_000);
const [, grpc = "", web = ""] = /listens on ([^,]+), and for HTTP on http:\/\/([^;]+);/.exec(line) ?? [];

const page = await readFile(join(root, "docs/api.md"), "utf8");
const blocks = readPage(page.replaceAll("127.0.0.1:7438", web).replaceAll("127.0.0.1:7437", grpc));
let failed = 0;
for (const { block, printed, code } of await runBlocks(blocks, `${dirname(grpcurl)}:${process.env["PATH"]}`)) {
  if (code === 0 && block.fits(printed)) continue;
  failed += 1;
  process.stdout.write(
    `FAILED line ${block.line}, exit code ${code}\n${block.commands}\nprinted:\n${printed}\nexpected:\n${block.expected}\n`,
  );
}
process.stdout.write(`${blocks.length - failed} pass\n${failed} fail\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs the blocks in one shell, one after the other, so that what one sets the next one has. Ends after the first whose commands fail. */
async function runBlocks(all: readonly Block[], path: string) {
  const end = "--- end of block";
  const script = all.map(({ commands }) => `${commands}\necho "${end} $?"`).join("\n");
  const child = spawn("bash", ["-u", "-c", script], {
    cwd: work,
    env: { ...process.env, PATH: path },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  const parts = output.split(new RegExp(`${end} (\\d+)\n`));
  return all.map((block, i) => ({ block, printed: parts[2 * i] ?? "", code: Number(parts[2 * i + 1] ?? -1) }));
}
