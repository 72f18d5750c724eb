import assert from "node:assert/strict";
import { after, test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { columnsOf } from "#libs/text";
import { startCli } from "./cli.ts";
import { writeSmallest } from "./run-file.ts";

const directory = await temporaryDirectory();
const data = directory.join("data");
after(() => directory[Symbol.asyncDispose]());

const HIDE_CURSOR = "\x1b[?25l";
const ERASE_BELOW = "\x1b[J";
const SHOW_CURSOR = "\x1b[?25h";

test("in a terminal the progress is drawn in place, and the cursor comes back", async () => {
  const file = await writeSmallest(directory.join("drawn.yaml"));
  const args = ["recycle", file, "--data", data, "--out", directory.join("out"), "--trainers", "1"];
  await using cli = startCli(args, { terminal: true });
  const { code, stdout } = await cli.ended;
  assert.equal(code, 0, stdout);
  assert.ok(stdout.startsWith(HIDE_CURSOR));
  assert.equal(stdout.split(HIDE_CURSOR).length, 2);
  assert.equal(stdout.split(SHOW_CURSOR).length, 2);
  const [picture = "", result = ""] = stdout.split(SHOW_CURSOR);
  const last = picture.slice(picture.lastIndexOf(ERASE_BELOW));
  assert.match(last, /smallest.* · finished.*done/u);
  for (const stage of ["data", "pre-training", "fine-tuning", "averaging", "evaluation"])
    assert.match(last, new RegExp(`✓.* ${stage} .*█`));
  assert.match(result, /^Warning: every fine-tuning is at chance/);
  assert.match(result, /^Accuracy in %/m);
});

test("what a command writes to a terminal fits it", async () => {
  const looks = [
    ["models", "list", "--all"],
    ["jobs", "list"],
    ["runs", "list"],
  ].map((args) => [...args, "--data", data]);
  for (const args of [["methods"], ["methods", "ties"], ["trainer", "--server", "127.0.0.1:1", "--print-config"], ...looks]) {
    await using cli = startCli(args, { terminal: true });
    const { code, stdout } = await cli.ended;
    assert.deepEqual([code, stdout.split("\n").length > 2], [0, true], args.join(" "));
    for (const line of stdout.replaceAll("\r", "").split("\n")) assert.ok(columnsOf(line) <= 100, `ratatouille ${args.join(" ")}: ${line}`);
  }
});

test("Ctrl-C in a terminal gives the cursor back before it says how to go on", async () => {
  const file = await writeSmallest(directory.join("stopped.yaml"), (run) => {
    run["fine-tuning"].steps = 100_000;
  });
  await using cli = startCli(["recycle", file, "--data", data, "--trainers", "1"], { terminal: true });
  await cli.line(/fine-tuning.*running/);
  cli.child.stdin?.write("\x03");
  const { code, stdout } = await cli.ended;
  assert.equal(code, 130);
  const [, after = ""] = stdout.split(SHOW_CURSOR);
  assert.match(after, /^Stopped\. Nothing is lost/);
  assert.ok(after.includes(`ratatouille recycle ${file} --data ${data}`));
});
