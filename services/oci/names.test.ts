import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chunkOf, rangeOf } from "./blobs/ranges.ts";
import { refOf, repositoriesOf, tagOf } from "./names.ts";
import { routeOf } from "./routes.ts";

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const repository = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join("/"));
const tag = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/);

test("a tag is one ref, and the ref that tag in its repository", () => {
  fc.assert(
    fc.property(repository, tag, (repository, tag) => {
      const ref = refOf(repository, tag);
      assert.equal(ref === undefined ? undefined : tagOf(repository, ref), tag);
      assert.equal(repository === "oci" || repository.startsWith("oci/"), !repositoriesOf(ref!).includes(repository));
    }),
  );
});

test("every path of the API is one endpoint, with the name and the reference that were put into it", () => {
  fc.assert(
    fc.property(repository, tag, (name, reference) => {
      assert.deepEqual(routeOf(`/v2/${name}/manifests/${reference}`), { to: "manifest", name, reference });
      assert.deepEqual(
        routeOf(`/v2/${name}/blobs/${reference}`),
        reference === "uploads" ? { to: "uploads", name } : { to: "blob", name, digest: reference },
      );
      assert.deepEqual(routeOf(`/v2/${name}/blobs/uploads/`), { to: "uploads", name });
      assert.deepEqual(routeOf(`/v2/${name}/blobs/uploads/${reference}`), { to: "upload", name, id: reference });
      assert.deepEqual(routeOf(`/v2/${name}/tags/list`), { to: "tags", name });
      assert.deepEqual(routeOf(`/v2/${name}/referrers/${reference}`), { to: "referrers", name, digest: reference });
    }),
  );
  fc.assert(fc.property(fc.string(), (path) => void routeOf(path)));
});

test("a range is the bytes that RFC 9110 says, and nothing outside of the blob", () => {
  const bytes = Uint8Array.from({ length: 20 }, (_, i) => i);
  const number = fc.nat({ max: 30 });
  fc.assert(
    fc.property(number, number, fc.nat({ max: 20 }), (from, to, size) => {
      const blob = bytes.slice(0, size);
      const taken = (header: string) => {
        const range = rangeOf(header, size);
        return typeof range === "object" ? [...blob.slice(range.offset, range.offset + range.length)] : [];
      };
      assert.deepEqual(taken(`bytes=${from}-${to}`), from > to ? [] : [...blob.slice(from, to + 1)]);
      assert.deepEqual(taken(`bytes=${from}-`), [...blob.slice(from)]);
      assert.deepEqual(taken(`bytes=-${to}`), to === 0 ? [] : [...blob.slice(-to)]);
      assert.deepEqual(chunkOf(`${from}-${to}`), to - from + 1 < 0 ? undefined : { offset: from, length: to - from + 1 });
    }),
  );
});
