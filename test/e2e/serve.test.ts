import assert from "node:assert/strict";
import { rename } from "node:fs/promises";
import { createServer } from "node:net";
import { after, test } from "node:test";
import { connect } from "#libs/rpc";
import { freePort, startNatsServer, temporaryDirectory, waitFor } from "#libs/testing";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#proto/grpc/health/v1/health_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { RecyclingService } from "#proto/ratatouille/v1/recycling_pb.ts";
import { startLocalSystem } from "../../deploy/local/system.ts";
import { startCli } from "./cli.ts";
import { runHere, succeedHere } from "./here.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

/** Runs one service on a free port; `health` says of a name whether it is SERVING. */
async function serving(name: string, args: readonly string[] = [], data = directory.join(name)) {
  const address = `127.0.0.1:${await freePort()}`;
  const cli = startCli(["serve", name, "--listen", address, ...args], { env: { RATATOUILLE_DATA: data } });
  const channel = connect(address);
  const client = channel.client(Health);
  return {
    cli,
    channel,
    address,
    health: async (service: string) => (await client.check({ service })).status === Status.SERVING,
    async [Symbol.asyncDispose]() {
      channel.close();
      await cli[Symbol.asyncDispose]();
    },
  };
}

test("every mistake of a configuration is said at once, by flag or variable, and no secret is repeated", async () => {
  const env = { RATATOUILLE_NATS: "nowhere", RATATOUILLE_CATALOG: "http://catalog", RATATOUILLE_TOKEN: "has a space" };
  const result = await runHere(["serve", "recycling", "--listen", "7445", "--log-level", "loud"], { env });
  assert.equal(result.code, 2);
  for (const named of ["--listen", "RATATOUILLE_NATS", "RATATOUILLE_CATALOG", "RATATOUILLE_TOKEN", "--log-level"])
    assert.match(result.stderr, new RegExp(`^  ${named} must be `, "m"));
  assert.equal(result.stderr.trim().split("\n").length, 6);
  assert.doesNotMatch(result.stderr, /has a space/);
  const trainer = await runHere(["trainer", "--device", "gpu:0", "--checkpoint-ms", "soon"]);
  assert.equal(trainer.code, 2);
  for (const named of ["--server", "--device", "--checkpoint-ms"]) assert.ok(trainer.stderr.includes(named), trainer.stderr);
});

test("--print-config says each setting, where it is from, and no secret", async () => {
  const env = {
    RATATOUILLE_NATS: "nats:4222,nats-2:4222",
    RATATOUILLE_TOKEN: "s3cret",
    RATATOUILLE_NATS_TOKEN: "s3cret",
    RATATOUILLE_NATS_PASSWORD: "s3cret",
  };
  const text = await succeedHere(["serve", "catalog", "--listen", "127.0.0.1:1", "--print-config"], { env });
  assert.match(text, /^listen +127\.0\.0\.1:1 +--listen$/m);
  assert.match(text, /^nats +nats:4222,nats-2:4222 +RATATOUILLE_NATS$/m);
  assert.match(text, /^token +\(secret\) +RATATOUILLE_TOKEN$/m);
  assert.match(text, /^nats-token +\(secret\) +RATATOUILLE_NATS_TOKEN$/m);
  assert.match(text, /^nats-password +\(secret\) +RATATOUILLE_NATS_PASSWORD$/m);
  assert.match(text, /^data +\S+ +default$/m);
  assert.doesNotMatch(text, /s3cret/);
  const json = JSON.parse(await succeedHere(["serve", "averaging", "--print-config", "--json"]));
  assert.deepEqual(json.catalog, { value: "127.0.0.1:7441", from: "default" });
});

test("a service that does not exist is named with those that do", async () => {
  const { code, stderr } = await runHere(["serve", "soup"]);
  assert.equal(code, 2);
  assert.match(stderr, /soup/);
});

test("a service starts without NATS and without the others, serves reads, and finds the bus when it comes", async () => {
  const nats = `127.0.0.1:${await freePort()}`;
  const nobody = `127.0.0.1:${await freePort()}`;
  await using service = await serving("recycling", ["--nats", nats, "--catalog", nobody, "--finetune", nobody]);
  await service.cli.line("recycling listens");
  await waitFor(() => service.health(""), { what: "a service that is ready" });
  assert.deepEqual([await service.health("live"), await service.health("database"), await service.health("bus")], [true, true, false]);
  assert.equal((await service.channel.client(RecyclingService).listRuns({})).runs.length, 0);
  service.cli.signal("SIGTERM");
  assert.equal((await service.cli.ended).code, 0);
});

test("health says when the bus goes and comes, and the service stays ready", async () => {
  await using nats = await startNatsServer(["--auth", "t0ken"]);
  await using service = await serving("catalog", ["--nats", nats.address, "--nats-token", "t0ken"]);
  await service.cli.line("catalog listens");
  await waitFor(() => service.health("bus"), { timeoutMs: 20_000, what: "the bus" });
  await nats.kill();
  await waitFor(async () => !(await service.health("bus")), { timeoutMs: 20_000, what: "a bus that is gone" });
  assert.deepEqual([await service.health(""), await service.health("live")], [true, true]);
  await service.channel.client(CatalogService).listRefs({});
  await nats.restart();
  await waitFor(() => service.health("bus"), { timeoutMs: 20_000, what: "the bus again" });
});

test("a service whose database is gone is not ready, and lives", async () => {
  const data = directory.join("gone");
  await using service = await serving("catalog", ["--nats", `127.0.0.1:${await freePort()}`], data);
  await service.cli.line("catalog listens");
  await waitFor(() => service.health(""), { what: "a service that is ready" });
  const database = `${data}/catalog/catalog.sqlite`;
  await rename(database, `${database}-away`);
  await waitFor(async () => !(await service.health("")), { what: "a service that is not ready" });
  assert.deepEqual(
    [await service.health("live"), await service.health("database"), await service.health(CatalogService.typeName)],
    [true, false, false],
  );
  await rename(`${database}-away`, database);
  await waitFor(() => service.health(""), { what: "a service that is ready again" });
});

test("two services do not share a directory", async () => {
  const data = directory.join("shared");
  const nats = `127.0.0.1:${await freePort()}`;
  await using first = await serving("catalog", ["--nats", nats], data);
  await first.cli.line("catalog listens");
  await using second = await serving("catalog", ["--nats", nats], data);
  const { code, stderr } = await second.cli.ended;
  assert.equal(code, 1);
  assert.match(stderr, /ratatouille serve catalog/);
});

test("a system on the ports of the programs' defaults says which of them are taken before it starts anything", async () => {
  // Taken in any case, by this or by another program.
  const other = createServer().on("error", () => {});
  await new Promise<void>((resolve) => other.once("error", () => resolve()).listen(7445, "127.0.0.1", resolve));
  const said: string[] = [];
  const starting = startLocalSystem({ directory: directory.join("taken"), fixedPorts: true, onStatus: (name) => said.push(name) });
  await assert.rejects(starting, /another program listens on .*127\.0\.0\.1:7445 \(recycling\).*--free-ports/);
  assert.deepEqual(said, []);
  other.close();
});
