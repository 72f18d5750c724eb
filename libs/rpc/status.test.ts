import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { anyPack, anyUnpack, DurationSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { Code, connect, invalidArgument, isRpcError, RpcError } from "./index.ts";
import { fromWireStatus, toWireStatus } from "./status.ts";
import { failure, pair } from "./testing/pair.ts";

/** What a status takes in the header list, as SETTINGS_MAX_HEADER_LIST_SIZE counts it (RFC 9113, section 6.5.2): 32 bytes beside each field. */
function headerBytes(error: RpcError): number {
  const { details, metadata } = toWireStatus(error);
  const fields: Record<string, unknown> = { "grpc-message": encodeURI(details), ...metadata.toHttp2Headers() };
  const gRpc = {
    ":status": "200",
    "content-type": "application/grpc+proto",
    "grpc-status": "13",
    "grpc-accept-encoding": "identity,deflate,gzip",
  };
  return Object.entries({ ...gRpc, ...fields }).reduce(
    (sum, [name, value]) => sum + name.length + Buffer.byteLength(String(value)) + 32,
    0,
  );
}

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .tuple(fc.constantFrom("😀", "x", " ", "\ud83d", "\udc00", "漢", "\n"), fc.integer({ min: 0, max: 30_000 }))
    .map(([unit, n]) => `a${unit.repeat(n)}`),
);
const anyError = fc
  .record({
    code: fc.integer({ min: 1, max: 16 }),
    message: text,
    reason: fc.oneof(fc.constant("BLOB_MISSING"), text),
    metadata: fc.dictionary(text, text, { maxKeys: 50 }),
    violations: fc.oneof(
      fc.array(fc.record({ field: text, description: text }), { maxLength: 20 }),
      fc
        .integer({ min: 0, max: 20_000 })
        .map((n) => Array.from({ length: n }, (_, i) => ({ field: `spec.auxiliaries[${i}].name`, description: "is missing" }))),
    ),
  })
  .map(({ code, message, ...details }) => new RpcError(code as Code, message, details));

test("a status is below 8 KiB and well-formed, whatever the error, and passing it on changes nothing", () => {
  fc.assert(
    fc.property(anyError, (error) => {
      const wire = toWireStatus(error);
      const bytes = headerBytes(error);
      assert.ok(bytes < 8192, `${bytes} bytes`);
      assert.ok(wire.details.isWellFormed());
      assert.doesNotMatch(wire.details, /[^\P{Cc}\t\n]/u);
      const read = fromWireStatus(wire);
      assert.equal(read?.message, wire.details);
      assert.deepEqual(toWireStatus(read), wire);
    }),
    { numRuns: 60 },
  );
});

test("an error of usual size loses nothing", () => {
  const violations = Array.from({ length: 20 }, (_, i) => ({
    field: `recipes[${i}].seed`,
    description: "is negative; expected a whole number",
  }));
  const error = invalidArgument("the run has 20 mistakes:\n  50° is no angle, 😀", {
    reason: "RUN_INVALID",
    metadata: { existing: `sha256:${"a".repeat(64)}`, offered: `sha256:${"b".repeat(64)}` },
    violations,
  });
  const read = fromWireStatus(toWireStatus(error));
  assert.deepEqual(
    [read?.code, read?.message, read?.reason, read?.metadata, read?.violations],
    [error.code, error.message, error.reason, error.metadata, violations],
  );
});

test("of too many violations the first are named and the others counted", () => {
  const violations = Array.from({ length: 5000 }, (_, i) => ({ field: `spec.auxiliaries[${i}].name`, description: "is missing" }));
  const told = fromWireStatus(toWireStatus(invalidArgument("wrong", { violations })))?.violations ?? [];
  assert.deepEqual(told.slice(0, 40), violations.slice(0, 40));
  assert.deepEqual(told.at(-1), { field: "", description: `and ${5001 - told.length} more fields` });
});

test("details of other kinds, and the domain of a reason, are passed on", () => {
  const retry = create(DurationSchema, { seconds: 7n });
  const error = new RpcError(Code.UNAVAILABLE, "later", { domain: "example.org", details: [anyPack(DurationSchema, retry)] });
  const read = fromWireStatus(toWireStatus(error));
  assert.equal(read?.domain, "example.org");
  assert.deepEqual(
    read.details.map((detail) => anyUnpack(detail, DurationSchema)),
    [retry],
  );
});

test("what a caller sent comes back cut and whole, and the calls beside it go on", async () => {
  await using p = await pair({
    catalog: {
      getArtifact({ name }) {
        const asked = String(name.value);
        throw invalidArgument(`no artifact ${asked}`, {
          metadata: { asked },
          violations: [{ field: "name", description: `got ${asked}` }],
        });
      },
      async *downloadBlob(_, { signal }) {
        yield {};
        await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    },
  });
  using channel = connect(p.server.address);
  const catalog = channel.client(CatalogService);
  const bystander = catalog.downloadBlob({}, { timeoutMs: 0 })[Symbol.asyncIterator]();
  await bystander.next();
  let ended: unknown;
  bystander.next().catch((error) => (ended = error));
  // Above 64 KiB of trailers HTTP/2 ends the connection; half of an emoji cannot be sent at all.
  for (const asked of ["a".repeat(26_000), "a".repeat(100_000), "😀".repeat(30_000), `a${"😀".repeat(30_000)}`, "\u0000\u001b[2J"]) {
    const error = await failure(catalog.getArtifact({ name: { case: "ref", value: asked } }, { timeoutMs: 10_000 }));
    assert.ok(isRpcError(error, Code.INVALID_ARGUMENT), String(error));
    assert.match(error.message, /^no artifact /);
    assert.equal(error.violations[0]?.field, "name");
    assert.equal(ended, undefined, "the call of another one ended");
  }
});
