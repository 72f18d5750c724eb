import assert from "node:assert/strict";
import { after, test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { runHere } from "./here.ts";
import { tiny } from "./run-file.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

test("where no trainer can start, a run fails and says why", async () => {
  const data = directory.join("data");
  const args = ["recycle", tiny, "--data", data, "--out", directory.join("out"), "--quiet"];
  const { code, stderr } = await runHere(args, { env: { RATATOUILLE_CACHE_MIB: "plenty" } });
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(
      `^ratatouille: no trainer can start: trainer-\\d+ ended \\d+ times before it was ready, at last with exit code 2 and the words "wrong configuration: RATATOUILLE_CACHE_MIB must be a whole number from 0 to 65536, not "plenty""; the log is ${data}/logs/trainers\\.log\n$`,
    ),
  );
});
