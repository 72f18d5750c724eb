import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openLocalBus } from "#libs/bus";
import { Code, connect, type RpcError, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { saveFloat32 } from "#libs/tensors";
import { temporaryDirectory, testProcess } from "#libs/testing";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { createCatalog } from "../../services/catalog/index.ts";
import { contribute } from "../../services/sessions/testing/client.ts";
import { model } from "../../services/sessions/testing/models.ts";

const program = fileURLToPath(new URL("service-child.ts", import.meta.url));

test("a contribution that the disk has no room for is refused and said so; others go on", async () => {
  await using directory = await temporaryDirectory();
  const log = createLogger({ service: "catalog", destination: directory.join("catalog.log") });
  await using bus = await openLocalBus({ path: ":memory:" });
  await using catalog = await createCatalog({ directory: directory.join("catalog"), bus, log });
  await using catalogServer = await serve({ address: "127.0.0.1:0", services: catalog.registrations, log, drainMs: 0 });
  // A limit on the size of files stands in for a full disk: it needs no privileges. The blocks have 512 bytes, in some shells 1024.
  const deno = process.versions["deno"] === undefined ? [] : ["run", "-A", "--no-check", "--no-lock"];
  const command = [process.execPath, ...deno, program, directory.join("averaging"), catalogServer.address];
  await using service = testProcess("sh", ["-c", `trap '' XFSZ; ulimit -f 4000; exec "$@"`, "sh", ...command]);
  const [, address = ""] = (await service.line("ready")).split(" ");
  using channel = connect(address);
  const client = channel.client(AveragingService);
  const { session, secret } = await client.openSession({});
  const place = { sessionId: session!.id, secret };
  const large = saveFloat32(new Map([["w", { shape: [1_500_000], data: new Float32Array(1_500_000) }]]));
  const error = await contribute(client, place, "large", large).then(
    () => assert.fail("it should have been refused"),
    (refused: RpcError) => refused,
  );
  assert.deepEqual([error.code, error.reason], [Code.RESOURCE_EXHAUSTED, "NO_SPACE"], error.message);
  await contribute(client, place, "small", model(1));
  assert.equal((await client.getSession({ sessionId: place.sessionId })).session?.committed, 1);
});
