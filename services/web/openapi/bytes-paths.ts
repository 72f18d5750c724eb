import type { Schema } from "./schemas.ts";

const text = { type: "string" };
const whole = { type: "integer", minimum: 0 };
const parameter = (place: "path" | "query" | "header", name: string, schema: Schema, description: string, required = place === "path") => ({
  name,
  in: place,
  required,
  description,
  schema,
});
const header = (schema: Schema, description: string) => ({ description, schema });

const binary = { "application/octet-stream": {} };
const error = { $ref: "#/components/responses/error" };
const progress = {
  "Upload-Offset": header(whole, "The byte from which the rest is wanted."),
  "Upload-Complete": header({ enum: ["?0", "?1"] }, "Whether all bytes are there."),
};
const moved = {
  description: "Bytes before the rest are missing.",
  headers: progress,
  content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
};
const reply = (description: string, properties: Schema) => ({
  description,
  content: { "application/json": { schema: { type: "object", properties } } },
});
const stored = (description: string) => reply(description, { digest: text, sizeBytes: text });
const counted = (description: string) => reply(description, { existed: { type: "boolean" } });

const digest = parameter("path", "digest", { type: "string", pattern: "^sha256:[0-9a-f]{64}$" }, "Digest of the blob.");
const contentRange = parameter(
  "header",
  "Content-Range",
  text,
  "`bytes FROM-LAST/SIZE`: the body is the rest of the file. Without it, all of it.",
);
const range = parameter("header", "Range", text, "`bytes=FIRST-LAST`, `bytes=FIRST-` or `bytes=-COUNT`.");
const facts = { ETag: header(text, "The digest, in quotes."), "Accept-Ranges": header({ const: "bytes" }, "Ranges are served.") };
const query = {
  digest: parameter("query", "digest", text, "Digest of the file.", true),
  size: parameter("query", "size", whole, "Bytes of the file.", true),
  weight: parameter("query", "weight", { type: "number" }, "As in ContributionHeader."),
  artifact: parameter("query", "artifact", text, "As in ContributionHeader."),
};

/** Blobs and contributions, which are no calls: what services/web/bytes answers. */
export const bytesPaths: Schema = {
  "/v1/blobs/{digest}": {
    parameters: [digest],
    get: {
      tags: ["bytes"],
      operationId: "getBlob",
      description: "A blob, or a range of it. See CatalogService.DownloadBlob.",
      parameters: [range],
      responses: {
        "200": { description: "All bytes.", headers: facts, content: binary },
        "206": { description: "The range.", headers: { ...facts, "Content-Range": header(text, "Which one.") }, content: binary },
        "304": { description: "If-None-Match names it." },
        "404": { ...moved, description: "It is not there. Upload-Offset says how much of it is." },
        "416": { description: "No byte of the range is there." },
        default: error,
      },
    },
    put: {
      tags: ["bytes"],
      operationId: "putBlob",
      description:
        "Stores a blob. What arrived is kept where it breaks off; send the whole or the rest again. See CatalogService.UploadBlob.",
      parameters: [contentRange],
      requestBody: { required: true, content: binary },
      responses: { "200": stored("It was there."), "201": stored("It is there now."), "409": moved, default: error },
    },
  },
  "/v1/sessions/{session}/contributions/{contributor}": {
    parameters: [
      parameter("path", "session", text, "Id of the session."),
      parameter("path", "contributor", text, "Who contributes."),
      parameter("header", "Session-Secret", text, "The secret that OpenSession told.", true),
    ],
    put: {
      tags: ["bytes"],
      operationId: "putContribution",
      description: "Contributes a safetensors file. It counts once, however often it is sent. See AveragingService.Contribute.",
      parameters: [query.digest, query.weight, query.artifact, contentRange],
      requestBody: { required: true, content: binary },
      responses: { "200": counted("It counted already."), "201": counted("It counts."), "409": moved, default: error },
    },
    head: {
      tags: ["bytes"],
      operationId: "headContribution",
      description: "How far a contribution is; for a file that is about to be sent, or was cut.",
      parameters: [query.digest, query.size, query.weight, query.artifact],
      responses: { "204": { description: "How far.", headers: progress }, default: error },
    },
    delete: {
      tags: ["bytes"],
      operationId: "deleteContribution",
      description:
        "Takes a contribution out of the average. The body has its bytes where the session needs them (BYTES_NEEDED). See AveragingService.Withdraw.",
      parameters: [contentRange],
      responses: { "204": { description: "It does not count any more." }, "409": moved, default: error },
    },
  },
};
