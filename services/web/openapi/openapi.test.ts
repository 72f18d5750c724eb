import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { notFound } from "#libs/rpc";
import { publicServices } from "../services.ts";
import { catalogOf, served } from "../testing/served.ts";

type Paths = { readonly [path: string]: { readonly [method: string]: unknown } };

const text = await readFile(new URL("../../../proto/openapi.yaml", import.meta.url), "utf8");
const document = parse(text) as { readonly paths: Paths };

test("the document is OpenAPI 3.1, and has every method that one request can call", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors)?.slice(0, 2000));
  assert.equal(validator.version, "3.1");
  const protos = new URL("../../../proto/ratatouille/v1/", import.meta.url);
  const names = await Promise.all((await readdir(protos)).map((name) => readFile(new URL(name, protos), "utf8")));
  const services = names.flatMap((proto) => [...proto.matchAll(/^service (\w+)/gm)].map(([, name]) => `ratatouille.v1.${name}`));
  assert.deepEqual(publicServices.map(({ typeName }) => typeName).sort(), services.sort());
  const callable = publicServices.flatMap(({ typeName, methods }) =>
    methods.filter(({ methodKind }) => ["unary", "server_streaming"].includes(methodKind)).map(({ name }) => `/${typeName}/${name}`),
  );
  const calls = Object.keys(document.paths).filter((path) => !path.startsWith("/v1/"));
  assert.deepEqual(calls.sort(), callable.sort());
});

test("what a server answers is what the document says, and the server has it", async () => {
  await using system = await served(
    catalogOf({
      getUpload: ({ digest }) => {
        if (digest === "") throw notFound("no blob", { reason: "BLOB_NOT_FOUND" });
        return { receivedBytes: 2n ** 60n, sizeBytes: 7n };
      },
      listRefs: () => ({ refs: [{ name: "a/b", digest: "sha256:00", history: [{ digest: "sha256:01", reason: "better", movedAt: 5n }] }] }),
    }),
    { token: "secret" },
  );
  assert.equal(await (await fetch(`${system.url}/openapi.yaml`)).text(), text);
  const ajv = new Ajv2020({ strict: false, logger: false });
  ajv.addSchema(document, "document");
  const check = (path: string, value: unknown) => {
    const validate = ajv.compile({
      $ref: `document#/${path
        .split("/")
        .map((part) => part.replaceAll("~", "~0"))
        .join("/")}`,
    });
    assert.ok(validate(value), JSON.stringify(validate.errors));
  };
  const headers = { "content-type": "application/json", authorization: "Bearer secret" };
  const ask = async (method: string, request: unknown) =>
    (await fetch(`${system.catalog}/${method}`, { method: "POST", headers, body: JSON.stringify(request) })).json();
  check("components/schemas/ratatouille.v1.GetUploadResponse", await ask("GetUpload", { digest: "x" }));
  check("components/schemas/ratatouille.v1.ListRefsResponse", await ask("ListRefs", {}));
  check("components/schemas/Error", await ask("GetUpload", {}));
  assert.throws(() => check("components/schemas/ratatouille.v1.ListRefsResponse", { refs: [{ name: 1 }] }));
});
