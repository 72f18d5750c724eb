import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { deferred, freePort, testProcess } from "#libs/testing";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { Code, connect, isRpcError } from "./index.ts";
import { collect, failure, pair } from "./testing/pair.ts";

const program = fileURLToPath(new URL("testing/program.ts", import.meta.url));
const runtimeArguments = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
const start = (...args: string[]) => testProcess(process.execPath, [...runtimeArguments, program, ...args]);

/** Fails unless the process ends by itself with 0 in 5 s. */
async function endsByItself(child: ReturnType<typeof start>) {
  const timeout = new AbortController();
  const late = sleep(5000, "still running", { signal: timeout.signal }).catch(() => "");
  assert.equal(await Promise.race([child.ended, late]), 0, child.lines.join("\n"));
  timeout.abort();
}

test("nothing keeps a process alive after its channel is closed: no server", async () => {
  await using child = start("fail", `127.0.0.1:${await freePort()}`);
  await child.line("failed true");
  await endsByItself(child);
});

test("nothing keeps a process alive after its channel is closed: a server that says nothing", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  const port = await freePort();
  await new Promise<void>((resolve) => silent.listen(port, "127.0.0.1", resolve));
  try {
    await using child = start("fail", `127.0.0.1:${port}`);
    await child.line("failed true");
    await endsByItself(child);
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
});

test("nothing keeps a process alive after its server and channel are closed", async () => {
  await using child = start("finish");
  await child.line("called");
  await endsByItself(child);
});

test("nothing keeps a process alive after its channel is closed: a call was open", async () => {
  await using p = await pair({
    catalog: {
      async *downloadBlob(_, { signal }) {
        yield {};
        await sleep(60_000, undefined, { signal });
      },
    },
  });
  await using child = start("abandon", p.server.address);
  await child.line("cancelled");
  await endsByItself(child);
});

test("a client that is killed aborts its calls on the server at once", async () => {
  const ended = deferred<unknown>();
  await using p = await pair({
    catalog: {
      async *downloadBlob(_, { signal }) {
        try {
          yield {};
          await sleep(60_000, undefined, { signal });
        } finally {
          ended.resolve(signal.reason);
        }
      },
    },
  });
  await using child = start("hold", p.server.address);
  await child.line("holding");
  await child.kill();
  assert.ok(isRpcError(await ended.promise, Code.CANCELLED));
});

test("a client that freezes loses its calls after the keepalive time", async () => {
  const ended = deferred<unknown>();
  await using p = await pair(
    {
      catalog: {
        async *downloadBlob(_, { signal }) {
          try {
            yield {};
            await sleep(60_000, undefined, { signal });
          } finally {
            ended.resolve(signal.reason);
          }
        },
      },
    },
    { serve: { keepaliveMs: 300 } },
  );
  await using child = start("hold", p.server.address);
  await child.line("holding");
  process.kill(child.pid, "SIGSTOP");
  assert.ok(isRpcError(await ended.promise, Code.CANCELLED));
});

test("a server that freezes is noticed after the keepalive time", async () => {
  await using child = start("serve");
  const address = (await child.line("at ")).slice("at ".length);
  using channel = connect(address, { keepaliveMs: 300 });
  const ended = deferred<unknown>();
  const stream = channel.client(CatalogService).downloadBlob({}, { timeoutMs: 0 });
  const began = deferred();
  void failure(
    (async () => {
      for await (const _ of stream) began.resolve();
    })(),
  ).then(ended.resolve);
  await began.promise;
  process.kill(child.pid, "SIGSTOP");
  assert.ok(isRpcError(await ended.promise, Code.UNAVAILABLE));
});

test("a server that is killed ends its calls with UNAVAILABLE", async () => {
  await using child = start("serve");
  using channel = connect((await child.line("at ")).slice("at ".length));
  const call = failure(
    (async () => {
      for await (const _ of channel.client(CatalogService).downloadBlob({}, { timeoutMs: 0 })) await child.kill();
    })(),
  );
  assert.ok(isRpcError(await call, Code.UNAVAILABLE));
  assert.ok(isRpcError(await failure(collect(channel.client(CatalogService).downloadBlob({}, { timeoutMs: 2000 })))));
});
