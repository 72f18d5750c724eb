import assert from "node:assert/strict";
import { test } from "node:test";
import { allPages, Code, isRpcError } from "./index.ts";

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
