import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { bytesPaths } from "./bytes-paths.ts";
import { descriptionOf, reference, type Schema, schemasOf } from "./schemas.ts";

const about = `Every method of the protos that is not sent a stream, as POST of one JSON object, or GET where it changes nothing; and bytes.
Methods that stream their replies answer with a line of JSON for each. The same paths take the Connect protocol and gRPC-Web, for which
there are clients in many languages. Errors are JSON with the code of gRPC. How to use it, with examples: docs/api.md.`;

/** The OpenAPI 3.1 document of services, whose files carry their comments. */
export function openapiDocument(services: readonly DescService[], version: string): Schema {
  const methods = services.flatMap(({ methods }) => methods).filter(isCallable);
  const schemas = schemasOf(methods.flatMap(({ input, output }) => [input, output]));
  return {
    openapi: "3.1.0",
    info: { title: "ratatouille", version, description: about, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    servers: [{ url: "/" }],
    // A server that has no token wants none.
    security: [{}, { token: [] }],
    tags: services.map((service) => ({ name: service.name, ...descriptionOf(service) })),
    paths: {
      ...Object.fromEntries(methods.map((method) => [`/${method.parent.typeName}/${method.name}`, pathItem(method)])),
      ...bytesPaths,
    },
    components: {
      schemas: { ...Object.fromEntries(schemas), Error: errorSchema },
      parameters: {
        timeout: {
          name: "Connect-Timeout-Ms",
          in: "header",
          description: "Milliseconds that the call may take.",
          schema: { type: "integer", minimum: 0 },
        },
      },
      responses: {
        error: { description: "What went wrong.", content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } } },
      },
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

/** One request is all that curl and a browser can send. */
function isCallable({ methodKind }: DescMethod): boolean {
  return methodKind === "unary" || methodKind === "server_streaming";
}

function pathItem(method: DescMethod): Schema {
  const item = { parameters: [{ $ref: "#/components/parameters/timeout" }] };
  const json = { "application/json": { schema: reference(method.input) } };
  const post = { ...operation(method, ""), requestBody: { required: true, content: json } };
  if (method.idempotency !== Idempotency.NO_SIDE_EFFECTS) return { ...item, post };
  const message = { name: "message", in: "query", required: true, content: json };
  const encoding = { name: "encoding", in: "query", required: true, schema: { const: "json" } };
  return { ...item, post, get: { ...operation(method, "_get"), parameters: [message, encoding] } };
}

function operation(method: DescMethod, suffix: string): Schema {
  const streams = method.methodKind === "server_streaming";
  const description = streams ? 'One JSON object a line; the last may be `{"error": Error}`.' : "The reply.";
  return {
    tags: [method.parent.name],
    operationId: `${method.parent.name}_${method.name}${suffix}`,
    ...descriptionOf(method),
    responses: {
      "200": { description, content: { [streams ? "application/x-ndjson" : "application/json"]: { schema: reference(method.output) } } },
      default: { $ref: "#/components/responses/error" },
    },
  };
}

const errorSchema: Schema = {
  type: "object",
  required: ["code"],
  properties: {
    code: {
      enum: [
        ...[
          "canceled",
          "unknown",
          "invalid_argument",
          "deadline_exceeded",
          "not_found",
          "already_exists",
          "permission_denied",
          "resource_exhausted",
        ],
        ...["failed_precondition", "aborted", "out_of_range", "unimplemented", "internal", "unavailable", "data_loss", "unauthenticated"],
      ],
    },
    message: { type: "string" },
    details: {
      type: "array",
      description: "google.rpc.ErrorInfo says the reason, google.rpc.BadRequest the fields that are wrong.",
      items: {
        type: "object",
        required: ["type", "value"],
        properties: {
          type: { type: "string" },
          value: { type: "string", contentEncoding: "base64", description: "The message in protobuf." },
          debug: { description: "The same in JSON." },
        },
      },
    },
  },
};
