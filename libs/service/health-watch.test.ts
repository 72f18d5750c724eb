import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "#libs/testing";
import { watchHealth } from "./index.ts";

test("what is vital decides over the whole, the rest over itself and over what depends on it", async () => {
  const broken = new Set<string>();
  const check = (name: string) => async () => {
    if (broken.has(name)) throw new Error(`${name} is gone`);
  };
  const said = new Map<string, boolean>();
  const changes: [string, string | undefined][] = [];
  const watch = watchHealth(
    [
      { name: "database", vital: true, check: check("database") },
      { name: "bus", vital: false, check: check("bus"), serves: ["Events"] },
    ],
    ["Catalog", "Events"],
    (name, serving) => said.set(name, serving),
    (name, problem) => changes.push([name, problem]),
  );
  const state = () => ["", "database", "bus", "Catalog", "Events"].map((name) => said.get(name));
  const stop = new AbortController();
  assert.equal(watch.ready(), false);
  const running = watch.run(stop.signal);
  await waitFor(() => said.get(""), { what: "the first look" });
  assert.deepEqual(state(), [true, true, true, true, true]);
  broken.add("bus");
  await waitFor(() => said.get("bus") === false && said.get("Events") === false, { what: "a bus that is gone" });
  assert.deepEqual(state(), [true, true, false, true, false]);
  broken.add("database");
  await waitFor(() => said.get("") === false, { what: "a database that is gone" });
  assert.deepEqual(state(), [false, false, false, false, false]);
  assert.deepEqual(watch.results(), [
    { name: "database", problem: "database is gone" },
    { name: "bus", problem: "bus is gone" },
  ]);
  broken.clear();
  await waitFor(() => said.get("") === true && said.get("bus") === true, { what: "everything again" });
  stop.abort();
  await running;
  assert.deepEqual(changes, [
    ["bus", "bus is gone"],
    ["database", "database is gone"],
    ["database", undefined],
    ["bus", undefined],
  ]);
});

test("a check that does not come back has failed", async () => {
  const said = new Map<string, boolean>();
  const hangs = { name: "disk", vital: true, check: () => new Promise<void>(() => {}) };
  const watch = watchHealth([hangs], [], (name, serving) => said.set(name, serving));
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  await waitFor(() => said.get("disk") === false, { what: "a verdict" });
  assert.match(watch.results()[0]?.problem ?? "", /no answer within/);
  stop.abort();
  await running;
});
