import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { isRpcError, serve } from "#libs/rpc";
import { onFreePort } from "./port.ts";

const open = (address: string) => serve({ address, services: [] });

test("a port that another program took since it was chosen is exchanged for another one", async () => {
  const program = createServer().listen(0, "127.0.0.1");
  await once(program, "listening");
  const taken = (program.address() as AddressInfo).port;
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const choices = [taken, taken, port];
  {
    await using server = await onFreePort(open, async () => choices.shift() ?? 0);
    assert.equal(server.port, port);
  }
  let tries = 0;
  const always = async () => {
    tries += 1;
    return taken;
  };
  await assert.rejects(onFreePort(open, always), (error) => isRpcError(error, undefined, "ADDRESS_IN_USE"));
  assert.equal(tries, 5);
  program.close();
});

test("what fails otherwise is not tried again", async () => {
  let tries = 0;
  const fail = async () => {
    tries += 1;
    throw new Error("no");
  };
  await assert.rejects(onFreePort(fail), /no/);
  assert.equal(tries, 1);
});
