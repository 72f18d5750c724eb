import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SessionAccess } from "#libs/remote-sessions";
import type { RpcError } from "#libs/rpc";
import { contribute, withdraw } from "./testing/client.ts";
import { model } from "./testing/models.ts";
import { type SessionSystem, startSessions } from "./testing/system.ts";

/** What a session should have: the seed of the model of each contributor. */
type Expected = { readonly place: SessionAccess; readonly members: Map<string, number>; open: boolean };
type Model = { readonly sessions: Expected[] };
type Command = fc.AsyncCommand<Model, SessionSystem>;

const pick = (state: Model, which: number): Expected | undefined => state.sessions[which % Math.max(1, state.sessions.length)];
const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "OK",
    (error: RpcError) => error.reason,
  );

const open: fc.Arbitrary<Command> = fc.constant({
  check: ({ sessions }) => sessions.length < 4,
  async run(state, system) {
    state.sessions.push({ place: await system.open(), members: new Map(), open: true });
  },
  toString: () => "open",
});

const add = fc.tuple(fc.nat(9), fc.constantFrom("a", "b", "c"), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 100, max: 2000 })).map(
  ([which, contributor, seed, chunkBytes]): Command => ({
    check: ({ sessions }) => sessions.length > 0,
    async run(state, { client }) {
      const { place, members, open: isOpen } = pick(state, which)!;
      const outcome = await reasonOf(contribute(client, place, contributor, model(seed), { chunkBytes }));
      const known = members.get(contributor);
      assert.equal(outcome, !isOpen ? "SESSION_OVER" : known === undefined || known === seed ? "OK" : "CONTRIBUTOR_COUNTED");
      if (isOpen && known === undefined) members.set(contributor, seed);
    },
    toString: () => `add ${which} ${contributor} ${seed}`,
  }),
);

/** A contribution that breaks off changes nothing that counts. */
const breakOff = fc.tuple(fc.nat(9), fc.constantFrom("a", "b", "c"), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 1600 })).map(
  ([which, contributor, seed, at]): Command => ({
    check: ({ sessions }) => sessions.length > 0,
    async run(state, { client }) {
      const { place } = pick(state, which)!;
      const beforeChunk = (offset: number) => {
        if (offset >= at) throw new Error("broken off");
      };
      // Before the last chunk, which begins behind byte 1600.
      await contribute(client, place, contributor, model(seed), { chunkBytes: 200, beforeChunk }).catch(() => undefined);
    },
    toString: () => `break off ${which} ${contributor} ${seed} at ${at}`,
  }),
);

const remove = fc.tuple(fc.nat(9), fc.constantFrom("a", "b", "c")).map(
  ([which, contributor]): Command => ({
    check: ({ sessions }) => sessions.length > 0,
    async run(state, { client }) {
      const { place, members, open: isOpen } = pick(state, which)!;
      const seed = members.get(contributor);
      const outcome = await reasonOf(withdraw(client, place, contributor, seed === undefined ? undefined : model(seed)));
      if (!isOpen) assert.equal(outcome, "SESSION_OVER");
      else assert.ok(outcome === "OK" || (seed === undefined && outcome === "CONTRIBUTION_NOT_FOUND"), outcome);
      if (isOpen) members.delete(contributor);
    },
    toString: () => `remove ${which} ${contributor}`,
  }),
);

const look = fc.nat(9).map(
  (which): Command => ({
    check: ({ sessions }) => sessions.length > 0,
    async run(state, system) {
      const { place, members, open: isOpen } = pick(state, which)!;
      if (!isOpen) return assert.equal(await reasonOf(system.snapshot(place.sessionId)), "SESSION_OVER");
      assert.equal((await system.state(place.sessionId)).committed, members.size);
      if (members.size === 0) return assert.equal(await reasonOf(system.snapshot(place.sessionId)), "NOTHING_COMMITTED");
      // A session of its own that has seen nothing else.
      const fresh = await system.open();
      for (const [name, seed] of members) await contribute(system.client, fresh, `other ${name}`, model(seed));
      const [expected, actual] = [await system.snapshot(fresh.sessionId), await system.snapshot(place.sessionId)];
      assert.equal(actual.digest, expected.digest);
      await system.client.closeSession(fresh);
    },
    toString: () => `look ${which}`,
  }),
);

const close = fc.nat(9).map(
  (which): Command => ({
    check: ({ sessions }) => sessions.length > 2,
    async run(state, { client }) {
      const session = pick(state, which)!;
      await client.closeSession(session.place);
      session.open = false;
    },
    toString: () => `close ${which}`,
  }),
);

const restart: fc.Arbitrary<Command> = fc.constant({
  check: () => true,
  run: (_, system) => system.restart(),
  toString: () => "restart",
});

test("sessions beside each other do what one would think, whatever is asked of them in whatever order", async () => {
  const commands = fc.commands([open, add, add, add, breakOff, remove, look, close, restart], { maxCommands: 30 });
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      await using system = await startSessions({ foldAfter: 2 });
      await fc.asyncModelRun(() => ({ model: { sessions: [] }, real: system }), steps);
    }),
    { numRuns: 15 },
  );
});
