import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lastWords, saysReady, signalChild, spawnScript } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { startTrainers, TRAINER_SCRIPT } from "./trainers.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());
const log = createLogger({ service: "test", level: "silent" });
const nowhere = "127.0.0.1:1";

async function script(name: string, source: string): Promise<string> {
  const path = directory.join(name);
  await writeFile(path, source);
  return path;
}

test("trainers that end before they are ready are given up, with the reason and where the log is", async () => {
  const logPath = directory.join("logs", "never.log");
  const path = await script("never.mjs", 'process.stderr.write("the disk is on fire\\n"); process.exit(1);');
  await using trainers = startTrainers({ count: 2, address: nowhere, logPath, log, script: path });
  await assert.rejects(
    Promise.race([trainers.broken, sleep(60_000, undefined, { ref: false })]),
    new RegExp(
      `^Error: no trainer can start: trainer-[12] ended \\d+ times before it was ready, at last with exit code 1 and the words "the disk is on fire"; the log is ${logPath}$`,
    ),
  );
  assert.ok((await readFile(logPath, "utf8")).split("\n").length > 10);
});

test("as long as one trainer works, the others are tried again", async () => {
  const logPath = directory.join("logs", "one.log");
  const source = `if (process.env.RATATOUILLE_TRAINER_NAME === "trainer-1") {
  process.stdout.write("no luck\\n");
  process.exit(1);
}
process.stdout.write(JSON.stringify({ msg: "trainer ready", trainer: "trainer-2" }) + "\\n");
setInterval(() => {}, 1000);`;
  await using trainers = startTrainers({ count: 2, address: nowhere, logPath, log, script: await script("one.mjs", source) });
  let gaveUp = false;
  trainers.broken.catch(() => {
    gaveUp = true;
  });
  // Its log has every start; it lives too shortly to be seen in the list.
  const starts = async () => (await readFile(logPath, "utf8")).split("no luck").length - 1;
  await waitFor(async () => (await starts()) >= 6, { timeoutMs: 60_000, what: "the sixth start of trainer-1" });
  assert.equal(gaveUp, false);
  assert.equal(trainers.list().find(({ name }) => name === "trainer-2")?.restarts, 0);
});

test("what a real trainer says when it is ready is understood", async () => {
  const env = { RATATOUILLE_SERVER: nowhere, RATATOUILLE_TRAINER_NAME: "remy" };
  const child = spawnScript(TRAINER_SCRIPT, ["trainer"], { env, stdio: ["pipe", "pipe", "inherit"] });
  try {
    let said = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await waitFor(() => saysReady(said, "remy"), { timeoutMs: 30_000, what: "a trainer that is ready" });
    assert.equal(saysReady(said, "linguini"), false);
  } finally {
    signalChild(child, "SIGKILL");
  }
});

for (const [what, text, expected] of [
  ["nothing", "\n", ""],
  ["a sentence", "first\nRATATOUILLE_SERVER is not set\n", "RATATOUILLE_SERVER is not set"],
  ["what the command says", "ratatouille: wrong configuration: x\n", "wrong configuration: x"],
  ["an exception", "  at x\nTypeError: no such thing\n    at y\n\nNode.js v24.21.0\n", "TypeError: no such thing"],
  ["a structured line", `{"level":"error","err":{"message":"no kernels\\nstack"},"msg":"the process failed"}\n`, "no kernels"],
] as const) {
  test(`the last words of a log that ends with ${what}`, () => {
    assert.equal(lastWords(text), expected);
  });
}
