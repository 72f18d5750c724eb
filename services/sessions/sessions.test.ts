import assert from "node:assert/strict";
import { test } from "node:test";
import { readManifest } from "#libs/recipes";
import { Code, type RpcError } from "#libs/rpc";
import { loadFloat32, saveFloat32 } from "#libs/tensors";
import { waitFor } from "#libs/testing";
import { ContributionState, SessionState } from "#proto/ratatouille/v1/averaging_pb.ts";
import { contribute, sha256, withdraw } from "./testing/client.ts";
import { model } from "./testing/models.ts";
import { rejection, startSessions } from "./testing/system.ts";

const one = (x: number) => saveFloat32(new Map([["w", { shape: [2], data: Float32Array.of(x, -x) }]]));
const values = (bytes: Uint8Array) => [...loadFloat32(bytes).get("w")!.data];

function assertRefused(error: RpcError, code: Code, reason: string, message: RegExp): void {
  assert.deepEqual([error.code, error.reason], [code, reason], error.message);
  assert.match(error.message, message);
}

test("the average of what is committed is an artifact whose recipe names the contributions", async () => {
  await using system = await startSessions();
  const place = await system.open({ licence: "MIT", architecture: "mlp" });
  for (const x of [1, 2, 6]) assert.deepEqual(await contribute(system.client, place, `c${x}`, one(x)), { existed: false, from: 0 });
  const artifact = await system.snapshot(place.sessionId);
  assert.deepEqual(values(await system.weights(artifact)), [3, -3]);
  const manifest = readManifest(artifact.manifest);
  assert.deepEqual(manifest.licences, ["MIT"]);
  assert.deepEqual(manifest.recipe, {
    kind: "average",
    inputs: {},
    parameters: { method: "uniform", dtype: "F32", contributions: [1, 2, 6].map((x) => sha256(one(x))).sort() },
    arithmetic: "exact-mean/1",
  });
  const state = await system.state(place.sessionId);
  assert.deepEqual([state.committed, state.folded, state.staging, state.tensors, state.artifact], [3, 0, 0, 1, artifact.digest]);
  assert.deepEqual((await system.snapshot(place.sessionId)).digest, artifact.digest);
  assert.equal(await system.logged("snapshot published"), 1);
});

test("who contributes is listed in pages, until it is withdrawn", async () => {
  await using system = await startSessions();
  const place = await system.open({ method: "weighted" });
  for (const x of [1, 2, 3]) await contribute(system.client, place, `c${x}`, one(x), { header: { weight: x } });
  const { sessionId } = place;
  const first = await system.client.listContributions({ sessionId, pageSize: 2 });
  const second = await system.client.listContributions({ sessionId, pageSize: 2, pageToken: first.nextPageToken });
  const all = [...first.contributions, ...second.contributions];
  assert.deepEqual(
    all.map(({ contributor, state, digest, weight }) => [contributor, state, digest, weight]),
    [1, 2, 3].map((x) => [`c${x}`, ContributionState.COMMITTED, sha256(one(x)), x]),
  );
  assert.deepEqual([second.nextPageToken, all[0]?.sizeBytes], ["", BigInt(one(1).length)]);
  await withdraw(system.client, place, "c2", one(2));
  const left = await system.client.listContributions({ sessionId });
  assert.deepEqual(
    left.contributions.map(({ contributor }) => contributor),
    ["c1", "c3"],
  );
  const other = await system.open();
  const error = await rejection(system.client.listContributions({ ...other, pageToken: first.nextPageToken }));
  assertRefused(error, Code.INVALID_ARGUMENT, "SESSION_INVALID", /page_token/);
});

test("weights: as they are, divided by their sum, said by the session, or by each contribution", async () => {
  await using system = await startSessions();
  const average = async (request: Parameters<typeof system.open>[0], weights: readonly (number | undefined)[]) => {
    const place = await system.open(request);
    for (const [k, weight] of weights.entries()) {
      await contribute(system.client, place, `c${k}`, one(2 ** k), { header: weight === undefined ? {} : { weight } });
    }
    return values(await system.weights(await system.snapshot(place.sessionId)))[0];
  };
  assert.equal(await average({ method: "weighted" }, [0.5, 0.25]), 1);
  assert.equal(await average({ method: "weighted" }, [undefined, undefined]), 3);
  assert.equal(await average({ method: "linear" }, [1, 3]), 1.75);
  assert.equal(await average({ method: "linear", weights: { c0: 3, c1: 1 } }, [undefined, undefined]), 1.25);
  const error = await rejection(average({ method: "linear" }, [1, -1]));
  assertRefused(error, Code.FAILED_PRECONDITION, "NO_WEIGHT", /the weights add up to 0/);
});

test("folding changes neither what counts nor the bytes, and leaves the sums alone on the disk", async () => {
  await using system = await startSessions({ foldAfter: 2 });
  const [folded, staged] = [await system.open(), await system.open()];
  for (let k = 0; k < 6; k++) {
    await contribute(system.client, folded, `c${k}`, model(k));
    // Two by two: of three that come while others are folded, one would be left.
    if (k % 2 === 1) await waitFor(async () => (await system.state(folded.sessionId)).folded === k + 1, { what: "the folds" });
  }
  const left = await waitFor(async () => ((await system.leftovers()).length === 1 ? system.leftovers() : undefined), { what: "one file" });
  assert.match(left[0]!, /sums-\d+\.safetensors$/);
  for (let k = 5; k >= 0; k--) await contribute(system.client, staged, `other ${k}`, model(k));
  const [a, b] = [await system.snapshot(folded.sessionId), await system.snapshot(staged.sessionId)];
  assert.equal(a.digest, b.digest);
});

test("a contribution counts once: the same again is fine, another one is refused", async () => {
  await using system = await startSessions();
  const place = await system.open({ method: "linear" });
  await contribute(system.client, place, "a", one(1));
  assert.deepEqual(await contribute(system.client, place, "a", one(1)), { existed: true, from: undefined });
  assertRefused(
    await rejection(contribute(system.client, place, "a", one(2))),
    Code.ALREADY_EXISTS,
    "CONTRIBUTOR_COUNTED",
    /"a" has contributed sha256/,
  );
  const heavier = await rejection(contribute(system.client, place, "a", one(1), { header: { weight: 2 } }));
  assertRefused(heavier, Code.ALREADY_EXISTS, "CONTRIBUTOR_COUNTED", /with the weight 1; withdraw that first/);
  assert.equal((await system.state(place.sessionId)).committed, 1);
});

test("who withdraws is as if never there, folded or not, and may contribute again", async () => {
  await using system = await startSessions({ foldAfter: 3 });
  const [place, reference] = [await system.open(), await system.open()];
  for (const k of [1, 2]) await contribute(system.client, reference, `c${k}`, model(k));
  const expected = (await system.snapshot(reference.sessionId)).digest;

  for (const k of [1, 2, 3]) await contribute(system.client, place, `c${k}`, model(k));
  await waitFor(async () => (await system.state(place.sessionId)).folded === 3, { what: "the fold" });
  await contribute(system.client, place, "late", model(4));
  assert.deepEqual(await withdraw(system.client, place, "late"), { asked: false });
  assertRefused(await rejection(withdraw(system.client, place, "c3")), Code.FAILED_PRECONDITION, "BYTES_NEEDED", /have to be sent again/);
  assertRefused(
    await rejection(withdraw(system.client, place, "c3", model(4))),
    Code.INVALID_ARGUMENT,
    "CONTRIBUTION_MISMATCH",
    /the bytes have the digest sha256:.*, announced was sha256:/,
  );
  assert.equal((await system.state(place.sessionId)).committed, 3);
  assert.deepEqual(await withdraw(system.client, place, "c3", model(3)), { asked: true });
  assert.equal((await system.snapshot(place.sessionId)).digest, expected);
  assert.deepEqual(await withdraw(system.client, place, "c3", model(3)), { asked: false });
  assertRefused(
    await rejection(withdraw(system.client, place, "nobody")),
    Code.NOT_FOUND,
    "CONTRIBUTION_NOT_FOUND",
    /"nobody" has no contribution/,
  );

  // The sums still hold the first one: it is taken out, and the second put in, in one fold.
  await contribute(system.client, place, "c3", model(5));
  await contribute(system.client, place, "c4", model(6));
  await waitFor(async () => (await system.state(place.sessionId)).folded === 4, { what: "the fold" });
  await withdraw(system.client, place, "c3", model(5));
  await withdraw(system.client, place, "c4", model(6));
  assert.equal((await system.snapshot(place.sessionId)).digest, expected);
});

test("with nobody left a session is as it was opened: the next layout is that of who comes next", async () => {
  await using system = await startSessions({ foldAfter: 1 });
  const place = await system.open();
  await contribute(system.client, place, "a", model(1));
  await waitFor(async () => (await system.state(place.sessionId)).folded === 1, { what: "the fold" });
  await withdraw(system.client, place, "a", model(1));
  assertRefused(await rejection(system.snapshot(place.sessionId)), Code.FAILED_PRECONDITION, "NOTHING_COMMITTED", /no contribution/);
  await waitFor(async () => (await system.leftovers()).length === 0, { what: "nothing to be left" });
  await contribute(system.client, place, "b", one(5));
  assert.deepEqual(values(await system.weights(await system.snapshot(place.sessionId))), [5, -5]);
});

test("kept contributions are withdrawn without their contributor, and let go when the session ends", async () => {
  await using system = await startSessions({ foldAfter: 2 });
  const place = await system.open({ keep: true });
  for (const k of [1, 2]) await contribute(system.client, place, `c${k}`, model(k));
  await waitFor(async () => (await system.state(place.sessionId)).folded === 2, { what: "the fold" });
  assert.deepEqual(await system.artifacts.download(sha256(model(1))), model(1));
  assert.deepEqual(await withdraw(system.client, place, "c2"), { asked: false });
  const alone = await system.open();
  await contribute(system.client, alone, "c1", model(1));
  assert.equal((await system.snapshot(place.sessionId)).digest, (await system.snapshot(alone.sessionId)).digest);
  const pinned = () => system.collectable(sha256(model(1)));
  assert.equal(await pinned(), false);
  await system.client.closeSession(place);
  assert.equal(await pinned(), true);
});

test("closing publishes a last snapshot, deletes what there was, and may be repeated", async () => {
  await using system = await startSessions({ foldAfter: 2 });
  const place = await system.open();
  for (const x of [1, 3, 5]) await contribute(system.client, place, `c${x}`, one(x));
  await rejection(system.client.closeSession({ ...place, secret: "guessed" }));
  const { artifact } = await system.client.closeSession({ ...place, snapshot: true });
  assert.deepEqual(values(await system.weights(artifact!)), [3, -3]);
  assert.equal((await system.client.closeSession({ ...place, snapshot: true })).artifact?.digest, artifact?.digest);
  assert.deepEqual(await system.leftovers(), []);
  assert.equal((await system.state(place.sessionId)).state, SessionState.CLOSED);
  assertRefused(await rejection(contribute(system.client, place, "late", one(1))), Code.FAILED_PRECONDITION, "SESSION_OVER", /is closed/);
  assertRefused(await rejection(system.snapshot(place.sessionId)), Code.FAILED_PRECONDITION, "SESSION_OVER", /is closed/);
});

test("a session that nobody closes expires with all that it has", async () => {
  await using system = await startSessions({}, { sweepMs: 10 });
  const place = await system.open({ expiresInSeconds: 60n });
  await contribute(system.client, place, "a", one(1));
  system.clock.aheadMs = 59_000;
  await contribute(system.client, place, "b", one(2));
  system.clock.aheadMs = 61_000;
  assertRefused(await rejection(contribute(system.client, place, "c", one(3))), Code.FAILED_PRECONDITION, "SESSION_OVER", /is expired/);
  await waitFor(async () => (await system.leftovers()).length === 0, { what: "its files to go" });
  assert.equal((await system.state(place.sessionId)).state, SessionState.EXPIRED);
  system.clock.aheadMs += 2 * 86_400_000;
  await waitFor(
    () =>
      system.state(place.sessionId).then(
        () => false,
        () => true,
      ),
    { what: "the session to be forgotten" },
  );
});

const stateNames = ["", "OPEN", "CLOSED", "EXPIRED"];

test("who watches a session hears of every change, at least of the last, and of its end", async () => {
  await using system = await startSessions();
  const place = await system.open();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { session } of system.client.watchSession({ sessionId: place.sessionId }, { timeoutMs: 0 })) {
      seen.push(`${stateNames[session!.state]} ${session!.committed}`);
    }
  })();
  await waitFor(() => seen.includes("OPEN 0"));
  await contribute(system.client, place, "a", one(1));
  await waitFor(() => seen.includes("OPEN 1"));
  await withdraw(system.client, place, "a");
  await waitFor(() => seen.at(-1) === "OPEN 0");
  await system.client.closeSession(place);
  await watching;
  assert.equal(seen.at(-1), "CLOSED 0");
});

test("sessions are listed, the newest first, page by page", async () => {
  await using system = await startSessions();
  const places = [];
  for (let k = 0; k < 5; k++) places.push(await system.open());
  const listed: string[] = [];
  for (let pageToken = ""; ; ) {
    const page = await system.client.listSessions({ pageSize: 2, pageToken });
    listed.push(...page.sessions.map(({ id }) => id));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  assert.deepEqual(listed, places.map(({ sessionId }) => sessionId).reverse());
  const error = await rejection(system.client.listSessions({ pageToken: "x" }));
  assertRefused(error, Code.INVALID_ARGUMENT, "SESSION_INVALID", /page_token/);
});

test("without the secret nobody contributes, withdraws or closes", async () => {
  await using system = await startSessions();
  const place = await system.open();
  for (const [secret, code, reason] of [
    ["", Code.UNAUTHENTICATED, "SECRET_MISSING"],
    [`${place.secret}x`, Code.PERMISSION_DENIED, "SECRET_WRONG"],
  ] as const) {
    const wrong = { ...place, secret };
    for (const call of [
      contribute(system.client, wrong, "a", one(1)),
      withdraw(system.client, wrong, "a"),
      system.client.closeSession(wrong),
    ]) {
      assertRefused(await rejection(call), code, reason, /secret/);
    }
  }
  assert.equal((await system.state(place.sessionId)).committed, 0);
  for (const id of ["", "a\nb", "x".repeat(101)])
    assertRefused(await rejection(system.state(id)), Code.INVALID_ARGUMENT, "SESSION_INVALID", /^session_id: expected/);
  assertRefused(await rejection(system.state("nowhere")), Code.NOT_FOUND, "SESSION_NOT_FOUND", /there is no session "nowhere"/);
});

const WRONG: readonly [string, Parameters<Awaited<ReturnType<typeof startSessions>>["open"]>[0], string, RegExp][] = [
  [
    "a method that needs all models at once",
    { method: "ties" },
    "method",
    /"ties"; a session takes uniform, weighted, linear; others cannot be computed from a stream/,
  ],
  ["a type that is not averaged to", { dtype: "I8" }, "dtype", /"I8"; a session takes F32, F16, BF16/],
  ["weights of a uniform session", { weights: { a: 1 } }, "weights", /uniform/],
  ["a weight out of bounds", { method: "linear", weights: { a: 1e-300 } }, 'weights["a"]', /between 2\^-600 and 2\^600/],
  ["a life that is too long", { expiresInSeconds: 10n ** 9n }, "expires_in_seconds", /at most 2592000 seconds/],
  ["a licence with markup", { licence: "MIT <b>" }, "licence", /^licence: expected an SPDX expression .*, got "MIT <b>"$/],
  ["a licence of two lines", { licence: "MIT\nApache-2.0" }, "licence", /one line without control characters/],
  ["a licence that is too long", { licence: "M".repeat(201) }, "licence", /1 to 200 characters, got 201/],
  ["an architecture of two lines", { architecture: "m\nlp" }, "architecture", /one line without control characters/],
  ["a layout with F64", { layout: [{ name: "w", dtype: "F64", shape: [1n] }] }, "layout[0]", /"w" is F64/],
];
for (const [name, request, field, message] of WRONG) {
  test(`${name}: INVALID_ARGUMENT for ${field}`, async () => {
    await using system = await startSessions();
    const error = await rejection(system.open(request));
    assertRefused(error, Code.INVALID_ARGUMENT, "SESSION_INVALID", message);
    assert.equal(error.violations[0]?.field, field);
  });
}
