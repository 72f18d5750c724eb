/** `npm run gen:openapi`: writes proto/openapi.yaml, of the protos with their comments. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { stringify } from "yaml";
import { VERSION } from "#libs/service";
import { publicServices } from "../services.ts";
import { openapiDocument } from "./document.ts";

const protos = fileURLToPath(new URL("../../../proto", import.meta.url));
const image = execFileSync("buf", ["build", "-o", "-#format=binpb"], { cwd: protos, maxBuffer: 1 << 26 });
// That of `proto/gen` has no comments.
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
const services = publicServices.map(({ typeName }) => {
  const service = registry.getService(typeName);
  if (service === undefined) throw new Error(`the protos have no ${typeName}`);
  return service;
});
const header = "# Generated from the protos by npm run gen:openapi.\n";
writeFileSync(
  `${protos}/openapi.yaml`,
  header + stringify(openapiDocument(services, VERSION), { lineWidth: 0, blockQuote: "literal", aliasDuplicateObjects: false }),
);
