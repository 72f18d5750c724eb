import { after, test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { succeed } from "./cli.ts";
import { assertTinyReport } from "./outputs.ts";
import { tiny } from "./run-file.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

// Most other tests run on Bun.
for (const runtime of ["node", "deno"] as const) {
  test(`on ${runtime} a run makes the same models as everywhere, byte for byte`, async () => {
    const [data, out] = [directory.join(`${runtime}-data`), directory.join(`${runtime}-out`)];
    await succeed(["recycle", tiny, "--data", data, "--out", out, "--quiet"], { runtime });
    await assertTinyReport(out);
  });
}
