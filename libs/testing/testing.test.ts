import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { startNatsServer, temporaryDirectory, testProcess, waitFor } from "./index.ts";

test("temporaryDirectory() is gone with its contents when disposed", async () => {
  let path: string;
  {
    await using directory = await temporaryDirectory();
    path = directory.path;
    assert.ok(existsSync(path));
  }
  assert.equal(existsSync(path), false);
});

test("waitFor() names what it waited for and keeps the last error", async () => {
  const failing = waitFor(
    () => {
      throw new Error("not there");
    },
    { timeoutMs: 20, what: "rain" },
  );
  await assert.rejects(
    failing,
    (error: Error) => error.message === "waited 20 ms in vain for rain" && (error.cause as Error).message === "not there",
  );
});

test("testProcess() reports lines, and says so when the process ends without the one awaited", async () => {
  await using child = testProcess("sh", ["-c", "echo one; exit 3"]);
  assert.equal(await child.line("one"), "one");
  await assert.rejects(child.line("two"), /ended without "two":\none/);
  assert.equal(await child.ended, 3);
});

test("startNatsServer() comes back on the same port", async () => {
  await using server = await startNatsServer();
  const { address } = server;
  await server.restart({ emptyStore: true });
  assert.equal(server.address, address);
  const socket = connect(Number(address.split(":")[1]), "127.0.0.1");
  const [banner] = await new Promise<Buffer[]>((resolve, reject) =>
    socket.once("data", (...data: Buffer[]) => resolve(data)).once("error", reject),
  );
  socket.destroy();
  assert.match(String(banner), /^INFO .*"version":"2\.15\.2"/);
});
