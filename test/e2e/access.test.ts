import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { Code, connect, isRpcError } from "#libs/rpc";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { startCli } from "./cli.ts";
import { runHere, succeedHere } from "./here.ts";
import { trainersOf } from "./processes.ts";
import { writeSmallest } from "./run-file.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

const listening = /listens on (127\.0\.0\.1:\d+);/;

test("up takes a free port where it is asked for one; its directory is its user's alone and leads in without a token", async () => {
  const data = directory.join("open");
  await using server = startCli(["up", "--listen", "127.0.0.1:0", "--data", data, "--trainers", "1"]);
  const address = listening.exec(await server.line("listens on"))?.[1] ?? "";
  assert.doesNotMatch(address, /:0$/);
  assert.match(await succeedHere(["runs", "list", "--server", address]), /^No runs yet/);
  assert.match(await succeedHere(["runs", "list", "--data", data]), /^No runs yet/);
  assert.deepEqual([(await stat(data)).mode & 0o777, (await stat(`${data}/lock.json`)).mode & 0o777], [0o700, 0o600]);
});

test("the token of a server is asked for, can come from a file, and stands neither in the data directory nor in messages; with it one runs and deletes", async () => {
  const data = directory.join("guarded");
  const file = directory.join("token.txt");
  const secret = "t0p-s3cret";
  const env = { RATATOUILLE_TOKEN: secret };
  await writeFile(file, `${secret}\n`);
  await using server = startCli(["up", "--listen", "127.0.0.1:0", "--data", data, "--trainers", "1"], { env });
  const address = listening.exec(await server.line("listens on"))?.[1] ?? "";
  const list = ["runs", "list", "--server", address];
  const refused = { code: 1, stdout: "" };
  assert.deepEqual(await runHere(list), { ...refused, stderr: "ratatouille: this server needs a token\n" });
  assert.deepEqual(await runHere([...list, "--token", "guess"]), { ...refused, stderr: "ratatouille: the token is wrong\n" });
  assert.match(await succeedHere([...list, "--token", secret]), /^No runs yet/);
  assert.match(await succeedHere([...list, "--token-file", file]), /^No runs yet/);
  // A file that is named wins over the environment.
  assert.match(await succeedHere([...list, "--token-file", file], { env: { RATATOUILLE_TOKEN: "another" } }), /^No runs yet/);
  assert.match(await succeedHere(["runs", "list", "--data", data]), /^No runs yet/);
  assert.ok(!(await readFile(`${data}/lock.json`, "utf8")).includes(secret));
  const { code, stderr } = await runHere(["up", "--data", data, "--listen", "127.0.0.1:0", "--token", secret]);
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `ratatouille: the data directory ${data} is in use by process ${server.pid} (ratatouille up), which listens on ${address}\n`,
  );

  // Its trainers have the token. Whoever has it may delete a run once it does not run; nothing is left of it in the list.
  const run = [
    "recycle",
    await writeSmallest(directory.join("short.yaml")),
    "--server",
    address,
    "--out",
    directory.join("out"),
    "--quiet",
  ];
  await succeedHere(run, { env });
  const [{ id }] = JSON.parse(await succeedHere([...list, "--json"], { env })) as [{ id: string }];
  const remove = ["runs", "delete", id, "--data", data];
  assert.equal(await succeedHere(remove), `Deleted ${id}. ratatouille gc deletes what nothing else needs.\n`);
  assert.match(await succeedHere(["runs", "list", "--data", data]), /^No runs yet/);
  const again = await runHere(remove);
  const said = `ratatouille: there is no run "${id}"; ratatouille runs list shows what there is\n`;
  assert.deepEqual([again.code, again.stderr], [1, said]);
});

for (const [what, args, said] of [
  ["a token file that is not there", ["--token-file", "/no/such"], "cannot read the token file /no/such: it does not exist"],
  ["an empty token file", ["--token-file", "/dev/null"], "the token in /dev/null must be printable ASCII without spaces, and not empty"],
  ["a token twice", ["--token-file", "/dev/null", "--token", "secret"], "--token and --token-file exclude each other"],
  [
    "a token with a space",
    ["--token", "sec ret"],
    "the token of --token or RATATOUILLE_TOKEN must be printable ASCII without spaces, and not empty",
  ],
  [
    "a certificate that is not there",
    ["--server", "127.0.0.1:1", "--ca", "/no/such"],
    "cannot read the certificate /no/such: it does not exist",
  ],
] as const) {
  test(`${what} is wrong usage`, async () => {
    const data = directory.join("never");
    const { code, stdout, stderr } = await runHere(["runs", "list", "--data", data, ...args]);
    assert.deepEqual([code, stdout, stderr], [2, "", `ratatouille: ${said}\n`]);
    assert.equal(existsSync(data), false);
  });
}

test("the port of an embedded system is closed to other users: its token is in the environment of its trainers alone; its runs need no server", async () => {
  const data = directory.join("embedded");
  const file = await writeSmallest(directory.join("long.yaml"), (run) => {
    run["fine-tuning"].steps = 1_000_000;
  });
  await using cli = startCli(["recycle", file, "--data", data, "--trainers", "1"]);
  await cli.line("pre-training");
  const [trainer] = await waitFor(() => trainersOf(cli.pid), { what: "a trainer" });
  const variable = (name: string) =>
    readFileSync(`/proc/${trainer}/environ`, "utf8")
      .split("\0")
      .find((text) => text.startsWith(`${name}=`))
      ?.slice(name.length + 1) ?? "";
  const address = variable("RATATOUILLE_SERVER");
  using stranger = connect(address);
  await assert.rejects(stranger.client(SystemService).getSystem({}), (error) => isRpcError(error, Code.UNAUTHENTICATED));
  using friend = connect(address, { token: variable("RATATOUILLE_TOKEN") });
  assert.equal((await friend.client(SystemService).getSystem({})).trainers[0]?.pid, trainer);

  // Once it has ended, its runs are deleted without a server.
  cli.signal("SIGINT");
  assert.equal((await cli.ended).code, 130);
  const [{ id }] = JSON.parse(await succeedHere(["runs", "list", "--data", data, "--json"])) as [{ id: string }];
  assert.match(await succeedHere(["runs", "delete", id, "--data", data]), /^Deleted run-/);
  assert.match(await succeedHere(["runs", "list", "--data", data]), /^No runs yet/);
});
