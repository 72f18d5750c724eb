import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Code, type RpcError } from "#libs/rpc";
import { saveFloat32, writeSafetensors } from "#libs/tensors";
import { deferred, startProxy, waitFor } from "#libs/testing";
import { contribute, sha256, withdraw } from "./testing/client.ts";
import { bytes, floats, model } from "./testing/models.ts";
import { rejection, startSessions } from "./testing/system.ts";

const large = (x: number) => saveFloat32(new Map([["w", { shape: [100_000], data: new Float32Array(100_000).fill(x) }]]));
const CHUNK = 10_000;

function assertRefused(error: RpcError, code: Code, reason: string, message: RegExp): void {
  assert.deepEqual([error.code, error.reason], [code, reason], error.message);
  assert.match(error.message, message);
}

test("a contribution that breaks off goes on where the server has stopped, also after a restart", async () => {
  await using system = await startSessions();
  const place = await system.open();
  const file = large(1);
  const breakAt = (limit: number) => ({
    chunkBytes: CHUNK,
    beforeChunk: async (offset: number) => {
      if (offset < limit) return;
      await waitFor(async () => (await system.staged()) >= offset, { what: "the bytes to be on the disk" });
      throw new Error("the client gives up");
    },
  });
  await assert.rejects(contribute(system.client, place, "a", file, breakAt(100_000)), /gives up/);
  await assert.rejects(contribute(system.client, place, "a", file, breakAt(250_000)), /gives up/);
  const state = await system.state(place.sessionId);
  assert.deepEqual([state.staging, state.committed, Number(state.stagedBytes)], [1, 0, file.length]);
  await system.restart();
  assert.deepEqual(await contribute(system.client, place, "a", file, { chunkBytes: CHUNK }), { existed: false, from: 250_000 });
  assert.equal((await system.state(place.sessionId)).committed, 1);
});

test("connections that are cut anywhere, again and again, change nothing", async () => {
  await using system = await startSessions();
  await using proxy = await startProxy(() => system.address);
  const place = await system.open();
  using far = system.connect(proxy.address);
  const file = large(2);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: file.length }), { maxLength: 5 }),
      fc.integer({ min: 5000, max: 1 << 17 }),
      async (cuts, chunkBytes) => {
        const left = [...cuts];
        for (;;) {
          const beforeChunk = (offset: number) => {
            if (left.length > 0 && offset >= left[0]!) {
              left.shift();
              proxy.cut();
            }
          };
          const outcome = await contribute(far, place, "a", file, { chunkBytes, beforeChunk }).catch((error: RpcError) => error);
          if (!(outcome instanceof Error)) break;
          assert.ok(
            [Code.UNAVAILABLE, Code.CANCELLED, Code.INTERNAL, Code.UNKNOWN].includes(outcome.code as never),
            `${outcome.code} ${outcome.message}`,
          );
        }
        assert.equal((await system.state(place.sessionId)).committed, 1);
        await withdraw(system.client, place, "a");
      },
    ),
    { numRuns: 20 },
  );
  await contribute(system.client, place, "a", file);
  const artifact = await system.snapshot(place.sessionId);
  assert.deepEqual(await system.weights(artifact), await system.weights(await averageOfOne(system, file)));
});

async function averageOfOne(system: Awaited<ReturnType<typeof startSessions>>, file: Uint8Array) {
  const place = await system.open();
  await contribute(system.client, place, "only", file);
  return system.snapshot(place.sessionId);
}

test("many copies of one contribution at the same time count once, and each is told so", async () => {
  await using system = await startSessions();
  const place = await system.open();
  const outcomes = await Promise.all(
    Array.from({ length: 6 }, async () => {
      using own = system.connect();
      return await contribute(own, place, "a", large(3), { chunkBytes: CHUNK });
    }),
  );
  assert.equal(outcomes.filter(({ existed }) => !existed).length, 1);
  assert.equal((await system.state(place.sessionId)).committed, 1);
});

test("a copy takes over from one that stands still, and goes on with its bytes", async () => {
  await using system = await startSessions({ takeOverMs: 50 });
  const place = await system.open();
  const still = deferred<void>();
  const first = contribute(system.client, place, "a", large(3), {
    chunkBytes: CHUNK,
    beforeChunk: (offset) => (offset < 50_000 ? undefined : still.promise),
  });
  const refused = rejection(first);
  await waitFor(async () => (await system.staged()) >= 50_000);
  using own = system.connect();
  assert.deepEqual(await contribute(own, place, "a", large(3), { chunkBytes: CHUNK }), { existed: false, from: 50_000 });
  still.resolve();
  assertRefused(await refused, Code.ABORTED, "TAKEN_OVER", /stood still/);
});

test("who says nothing for too long is let go, and what came is kept until nobody comes for it", async () => {
  await using system = await startSessions({ stallMs: 100, resumeMs: 60_000 }, { sweepMs: 10 });
  const place = await system.open();
  const never = deferred<void>();
  const stalled = contribute(system.client, place, "a", large(3), {
    chunkBytes: CHUNK,
    beforeChunk: (at) => (at < 30_000 ? undefined : never.promise),
  });
  assertRefused(await rejection(stalled), Code.DEADLINE_EXCEEDED, "STALLED", /nothing came for 100 ms/);
  never.resolve();
  assert.equal((await system.state(place.sessionId)).staging, 1);
  system.clock.aheadMs = 61_000;
  await waitFor(async () => (await system.state(place.sessionId)).staging === 0, { what: "the bytes to be given up" });
  await waitFor(async () => (await system.leftovers()).length === 0, { what: "nothing to be left" });
});

test("a contributor that changes its mind before it is complete replaces what it had sent", async () => {
  await using system = await startSessions();
  const place = await system.open();
  const stop = (offset: number) => {
    if (offset >= 50_000) throw new Error("stop");
  };
  await assert.rejects(contribute(system.client, place, "a", large(3), { chunkBytes: CHUNK, beforeChunk: stop }), /stop/);
  assert.deepEqual(await contribute(system.client, place, "a", large(4), { chunkBytes: CHUNK }), { existed: false, from: 0 });
  assert.equal((await system.leftovers()).length, 1);
});

const good = [floats("w", "F32", [1, 2, 3]), bytes("ids", "U8", 1, 2)];
const LIES: readonly [string, Uint8Array, Parameters<typeof contribute>[4], string, RegExp][] = [
  [
    "its digest",
    writeSafetensors(good),
    { header: { digest: sha256(new Uint8Array(1)) } },
    "CONTRIBUTION_MISMATCH",
    /the bytes have the digest/,
  ],
  ["a larger size", writeSafetensors(good), { header: { sizeBytes: 1000n } }, "CONTRIBUTION_INVALID", /hole|trailing|belong to none/],
  [
    "a smaller size",
    writeSafetensors(good),
    { header: { sizeBytes: 20n } },
    "CONTRIBUTION_INVALID|CONTRIBUTION_MISMATCH",
    /more than the announced 20 bytes|has 20/,
  ],
  [
    "a shape",
    writeSafetensors([floats("w", "F32", [1, 2, 3, 4]), good[1]!]),
    {},
    "LAYOUT_MISMATCH",
    /tensor "w" is F32 \[4\]; it has to be F32 \[3\]/,
  ],
  [
    "a type",
    writeSafetensors([floats("w", "F16", [1, 2, 3]), good[1]!]),
    {},
    "LAYOUT_MISMATCH",
    /tensor "w" is F16 \[3\]; it has to be F32 \[3\]/,
  ],
  [
    "a tensor's name",
    writeSafetensors([floats("v", "F32", [1, 2, 3]), good[1]!]),
    {},
    "LAYOUT_MISMATCH",
    /tensor "w" is missing; tensor "v" is not in/,
  ],
  [
    "whole numbers",
    writeSafetensors([good[0]!, bytes("ids", "U8", 1, 3)]),
    {},
    "LAYOUT_MISMATCH",
    /tensor "ids" has other values than in the contributions before/,
  ],
  [
    "numbers",
    writeSafetensors([floats("w", "F32", [1, Number.NaN, 3]), good[1]!]),
    {},
    "NOT_FINITE",
    /tensor "w" is not finite at element 1/,
  ],
];
for (const [what, file, sending, reason, message] of LIES) {
  test(`who lies about ${what} is refused by name and leaves no trace`, async () => {
    await using system = await startSessions();
    const place = await system.open();
    await contribute(system.client, place, "honest", writeSafetensors(good));
    const before = await system.snapshot(place.sessionId);
    const error = await rejection(contribute(system.client, place, "liar", file, { chunkBytes: 7, ...sending }));
    assert.equal(error.code, Code.INVALID_ARGUMENT, error.message);
    assert.match(error.reason, new RegExp(`^(${reason})$`));
    assert.match(error.message, message);
    const state = await system.state(place.sessionId);
    assert.deepEqual([state.committed, state.staging], [1, 0]);
    assert.equal((await system.leftovers()).length, 1);
    assert.equal((await system.snapshot(place.sessionId)).digest, before.digest);
    await contribute(system.client, place, "liar", writeSafetensors(good));
  });
}

test("of two first contributions with different layouts the one that is complete first decides", async () => {
  await using system = await startSessions();
  const place = await system.open();
  const wait = deferred<void>();
  const slow = contribute(system.client, place, "slow", large(1), {
    chunkBytes: CHUNK,
    beforeChunk: (at) => (at < 300_000 ? undefined : wait.promise),
  });
  const refused = rejection(slow);
  await waitFor(async () => (await system.staged()) >= 300_000);
  await contribute(system.client, place, "fast", writeSafetensors(good));
  wait.resolve();
  assertRefused(
    await refused,
    Code.INVALID_ARGUMENT,
    "LAYOUT_MISMATCH",
    /tensor "ids" is missing; tensor "w" is F32 \[100000\]; it has to be F32 \[3\]/,
  );
  assert.equal((await system.leftovers()).length, 1);
});

test("a declared layout holds from the beginning", async () => {
  await using system = await startSessions();
  const layout = [
    { name: "w", dtype: "F32", shape: [3n] },
    { name: "ids", dtype: "U8", shape: [2n] },
  ];
  const place = await system.open({ layout });
  assertRefused(
    await rejection(contribute(system.client, place, "a", large(1))),
    Code.INVALID_ARGUMENT,
    "LAYOUT_MISMATCH",
    /tensor "ids" is missing/,
  );
  await contribute(system.client, place, "a", writeSafetensors(good));
});

for (const sum of ["crc32", "crc32c"] as const) {
  for (const [where, checkedAtOnceBytes] of [
    ["by a thread", 0],
    ["at once", 1 << 20],
  ] as const) {
    test(`a chunk that was damaged on the way is refused, and only it is sent again: ${sum}, looked at ${where}`, async () => {
      await using system = await startSessions({ checkedAtOnceBytes });
      const place = await system.open();
      const file = large(1);
      const damageAt = (at: number, then?: () => Promise<void>) => ({
        chunkBytes: CHUNK,
        sum,
        async beforeChunk(offset: number, chunk: { data: Uint8Array }) {
          if (offset > at) await then?.();
          if (offset !== at) return;
          chunk.data = chunk.data.slice();
          chunk.data[CHUNK / 2]! ^= 1;
        },
      });
      const refused = async (sending: ReturnType<typeof damageAt>, at: number) => {
        const error = await rejection(contribute(system.client, place, "a", file, sending));
        const message = new RegExp(`the chunk at byte ${at} has the ${sum} [0-9a-f]{8}, announced was`);
        assertRefused(error, Code.INVALID_ARGUMENT, "CHUNK_DAMAGED", message);
        assert.equal(error.violations[0]?.field, `chunk.${sum}`);
      };
      await refused(damageAt(5 * CHUNK), 5 * CHUNK);
      // The client waits, and hears of it all the same.
      await refused(
        damageAt(10 * CHUNK, () => new Promise(() => {})),
        10 * CHUNK,
      );
      // What a client has sent that then went away is looked at too.
      const gone = new AbortController();
      const leave = damageAt(20 * CHUNK, async () => {
        // What is looked at at once is not staged where it is damaged.
        const least = checkedAtOnceBytes > 0 ? 20 * CHUNK : 20 * CHUNK + 1;
        await waitFor(async () => (await system.staged()) >= least, { what: "the bytes before the damage" });
        gone.abort();
      });
      await assert.rejects(contribute(system.client, place, "a", file, { ...leave, signal: gone.signal }));
      const { from } = await contribute(system.client, place, "a", file, { chunkBytes: CHUNK, sum });
      assert.equal(from, 20 * CHUNK);
      assert.deepEqual(
        await system.weights(await system.snapshot(place.sessionId)),
        await system.weights(await averageOfOne(system, file)),
      );
    });
  }
}

test("chunks of other sizes than allowed, and beyond what was asked for, are refused", async () => {
  await using system = await startSessions({ chunkBytes: { min: 1 << 14, max: 1 << 16 }, windowBytes: 0 });
  const place = await system.open();
  const send = (chunkBytes: number, heedless = false) =>
    rejection(contribute(system.client, place, "a", large(1), { chunkBytes, heedless }));
  assertRefused(
    await send(1000),
    Code.INVALID_ARGUMENT,
    "SESSION_INVALID",
    /the chunk at byte 0 has 1000 bytes; a chunk has 16384 to 65536 bytes/,
  );
  assertRefused(await send(1 << 17, true), Code.INVALID_ARGUMENT, "SESSION_INVALID", /has 131072 bytes/);
  const late = startSessions({ chunkBytes: { min: 1, max: 50_000 }, windowBytes: 0 });
  await using other = await late;
  const place2 = await other.open();
  // More than the room that is given at once, faster than it can be.
  const outcome = await contribute(other.client, place2, "a", large(1), { chunkBytes: 30_000, heedless: true }).catch(
    (error: RpcError) => error,
  );
  if (outcome instanceof Error) assertRefused(outcome, Code.INVALID_ARGUMENT, "SESSION_INVALID", /nothing beyond \d+ was asked for/);
});

test("streams of any messages are answered with a refusal, and leave the session as it was", async () => {
  await using system = await startSessions({ stallMs: 200 });
  const place = await system.open();
  const file = model(1);
  const header = { ...place, contributor: "fuzz", digest: sha256(file), sizeBytes: BigInt(file.length) };
  const anyHeader = fc.record({
    sessionId: fc.constantFrom(place.sessionId, "", "x"),
    secret: fc.constantFrom(place.secret, place.secret, ""),
    contributor: fc.constantFrom("fuzz", "", "x".repeat(300)),
    digest: fc.constantFrom(header.digest, header.digest, "sha256:12", ""),
    sizeBytes: fc.constantFrom(header.sizeBytes, header.sizeBytes, 0n, -1n, 2n ** 62n),
    weight: fc.option(fc.constantFrom(1, 2, Number.NaN, Number.POSITIVE_INFINITY, 1e-308), { nil: undefined }),
    artifact: fc.constantFrom("", "", "sha256:00"),
  });
  const anyPart = fc.oneof(
    anyHeader.map((value) => ({ case: "header" as const, value })),
    fc
      .record({
        data: fc.uint8Array({ maxLength: 50 }),
        crc32c: fc.constantFrom(0, 1, 0xffffffff),
        crc32: fc.option(fc.constantFrom(0, 1, 0xffffffff), { nil: undefined }),
      })
      .map((value) => ({ case: "chunk" as const, value })),
    fc.constant({ case: undefined }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(anyPart, { maxLength: 4 }), async (parts) => {
      async function* requests() {
        for (const part of parts) yield { part };
      }
      try {
        for await (const { event } of system.client.contribute(requests(), { timeoutMs: 20_000 })) assert.equal(event.case, "send");
        assert.fail("it should have been refused");
      } catch (error) {
        const expected = [
          Code.INVALID_ARGUMENT,
          Code.NOT_FOUND,
          Code.UNAUTHENTICATED,
          Code.ABORTED,
          Code.RESOURCE_EXHAUSTED,
          Code.PERMISSION_DENIED,
        ];
        assert.ok(expected.includes((error as RpcError).code as never), String(error));
      }
    }),
    { numRuns: 150 },
  );
  assert.equal((await system.state(place.sessionId)).committed, 0);
  await contribute(system.client, place, "fuzz", file);
});
