import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { allPages, Code, isRpcError, pageToken, parseAmount, parsePageSize, parsePageToken, parseText } from "./index.ts";

test("all pages of a list come in order, each asked for when it is read", async () => {
  const asked: string[] = [];
  const pages = allPages(async (pageToken) => {
    asked.push(pageToken);
    return { items: [asked.length], nextPageToken: asked.length < 3 ? `after ${asked.length}` : "" };
  });
  assert.deepEqual(asked, []);
  const items: number[] = [];
  for await (const page of pages) items.push(...page.items);
  assert.deepEqual(
    [items, asked],
    [
      [1, 2, 3],
      ["", "after 1", "after 2"],
    ],
  );
});

test("a list that goes round ends with an error", async () => {
  const pages = allPages(async () => ({ nextPageToken: "again" }));
  await assert.rejects(Array.fromAsync(pages), (error) => isRpcError(error, Code.INTERNAL, "PAGES_REPEAT"));
});

const refused =
  (field: string, reason = "INVALID_FIELD") =>
  (error: unknown) =>
    isRpcError(error, Code.INVALID_ARGUMENT, reason) && error.violations[0]?.field === field;

test("a token gives back its position, to the list that it is of", () => {
  fc.assert(
    fc.property(fc.string(), fc.oneof(fc.string(), fc.nat()), (list, position) => {
      const token = pageToken(list, position);
      assert.match(token, /^[\w-]+$/);
      const type = typeof position as "string" | "number";
      assert.equal(parsePageToken(list, token, type), position);
      assert.throws(() => parsePageToken(`${list}!`, token, type), refused("page_token"));
      assert.throws(() => parsePageToken(list, token, type === "string" ? "number" : "string"), refused("page_token"));
    }),
  );
  assert.equal(pageToken("jobs", undefined), "");
  assert.equal(parsePageToken("jobs", "", "number"), undefined);
});

test("what is no token of ours is refused", () => {
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const strangers = [
    "x",
    "\ud83d",
    encoded(["jobs", -1]),
    encoded(["jobs", 1.5]),
    encoded(["jobs", 1e300]),
    encoded(["jobs", 1, 2]),
    encoded(null),
  ];
  for (const token of strangers) assert.throws(() => parsePageToken("jobs", token, "number"), refused("page_token"));
  assert.throws(() => parsePageToken("jobs", "x", "number", "SESSION_INVALID"), refused("page_token", "SESSION_INVALID"));
});

test("the size of a page has a default and a bound", () => {
  assert.deepEqual(
    [0, 1, 500, 501, 2 ** 31 - 1].map((size) => parsePageSize(size)),
    [100, 1, 500, 500, 500],
  );
  assert.throws(() => parsePageSize(-1), refused("page_size"));
});

test("texts of requests are short, on one line and well-formed; amounts are whole and exact", () => {
  assert.equal(parseText("run_id", "lauf ü 😀", 10), "lauf ü 😀");
  for (const text of ["", "x".repeat(11), "a\nb", "a\u0000", "\ud83d", "a\u202Eb"])
    assert.throws(() => parseText("run_id", text, 10), refused("run_id"));
  assert.deepEqual(
    [0n, 5, 9007199254740991n].map((value) => parseAmount("size", value)),
    [0, 5, Number.MAX_SAFE_INTEGER],
  );
  for (const value of [-1n, 9007199254740992n, 0.5, Number.NaN]) assert.throws(() => parseAmount("size", value), refused("size"));
});
