import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { test } from "node:test";
import { startNatsServer, startProxy, temporaryDirectory, testProcess, waitFor } from "./index.ts";

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

test("startProxy() counts, delays, half-closes and cuts, and refuses while it is closed", async () => {
  await using server = await startEcho();
  await using proxy = await startProxy(() => server.address);
  const client = connect(Number(proxy.address.split(":")[1]), "127.0.0.1");
  let received = "";
  let ended = false;
  client.on("data", (data) => (received += data)).on("end", () => (ended = true));
  client.write("one");
  await waitFor(() => received === "one");
  assert.equal(proxy.bytes, 6);

  proxy.delayMs = 30;
  const sent = performance.now();
  client.write("two");
  await waitFor(() => received === "onetwo");
  assert.ok(performance.now() - sent >= 55, `it took ${performance.now() - sent} ms`);
  proxy.delayMs = 0;

  // The server hears the end and what it says still arrives.
  proxy.halfClose("server");
  await waitFor(() => ended);
  assert.equal(received, "onetwobye");

  const other = connect(Number(proxy.address.split(":")[1]), "127.0.0.1");
  other.on("error", () => undefined).write("x");
  await once(other, "data");
  const closed = once(other, "close");
  assert.equal(proxy.cut(), 2);
  await closed;
  proxy.open = false;
  const refused = connect(Number(proxy.address.split(":")[1]), "127.0.0.1");
  refused.on("error", () => undefined);
  await once(refused, "close");
});

/** Says what it hears, and "bye" at the end. */
async function startEcho() {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (data) => socket.write(data)).on("end", () => socket.end("bye"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}
