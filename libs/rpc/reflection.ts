import { createRegistry, type DescFile, type DescService, type MessageInitShape, type Registry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { quote } from "#libs/text";
import { file_google_rpc_error_details } from "#proto/google/rpc/error_details_pb.ts";
import { file_google_rpc_status } from "#proto/google/rpc/status_pb.ts";
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponseSchema,
} from "#proto/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "#proto/grpc/reflection/v1alpha/reflection_pb.ts";
import { Code } from "./code.ts";
import { isRpcError, notFound, unimplemented } from "./errors.ts";
import { implement, type ServiceRegistration } from "./implement.ts";
import type { Implementation } from "./types.ts";

type Response = MessageInitShape<typeof ServerReflectionResponseSchema>;
type Answer = NonNullable<Response["messageResponse"]>;
type Question = ServerReflectionRequest["messageRequest"];

/** What can be asked about: every declaration, and the files by name. */
type Source = { readonly names: readonly string[]; readonly files: ReadonlyMap<string, DescFile>; readonly types: Registry };

/** Reflection of these services, as grpc.reflection.v1 and as v1alpha, which older tools ask for. */
export function createReflection(services: readonly DescService[]): ServiceRegistration[] {
  const all = [...services, ServerReflection, ServerReflectionAlpha];
  // The details of errors travel as Any: with their files here, tools can show them.
  const files = [...all.map((service) => service.file), file_google_rpc_status, file_google_rpc_error_details];
  const known = new Set(files.flatMap(withDependencies));
  const source: Source = {
    names: all.map((service) => service.typeName).sort(),
    files: new Map([...known].map((file) => [file.proto.name, file])),
    types: createRegistry(...known),
  };
  async function* serverReflectionInfo(requests: AsyncIterable<{ host: string; messageRequest: Question }>): AsyncGenerator<Response> {
    for await (const { host, messageRequest } of requests) yield { validHost: host, messageResponse: answer(source, messageRequest) };
  }
  // Field for field the same messages, under another package; only their nominal types differ.
  const alpha = { serverReflectionInfo } as unknown as Implementation<typeof ServerReflectionAlpha>;
  return [implement(ServerReflection, { serverReflectionInfo }), implement(ServerReflectionAlpha, alpha)];
}

function answer({ names, files, types }: Source, question: Question): Answer {
  try {
    switch (question.case) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: names.map((name) => ({ name })) } };
      case "fileByFilename":
        return described(files.get(question.value) ?? missing(`file ${quote(question.value)}`));
      case "fileContainingSymbol":
        return described(fileOfSymbol(types, question.value) ?? missing(`symbol ${quote(question.value)}`));
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = question.value;
        const message = types.getMessage(containingType) ?? missing(`message ${quote(containingType)}`);
        return described(
          types.getExtensionFor(message, extensionNumber)?.file ?? missing(`extension ${extensionNumber} of ${quote(containingType)}`),
        );
      }
      case "allExtensionNumbersOfType": {
        const message = types.getMessage(question.value) ?? missing(`message ${quote(question.value)}`);
        const extensionNumber = [...types].flatMap((type) => (type.kind === "extension" && type.extendee === message ? [type.number] : []));
        return { case: "allExtensionNumbersResponse", value: { baseTypeName: question.value, extensionNumber } };
      }
      default:
        throw unimplemented("this server does not know this question");
    }
  } catch (error) {
    // An unknown name is an answer; the stream goes on.
    if (isRpcError(error, Code.NOT_FOUND) || isRpcError(error, Code.UNIMPLEMENTED)) {
      return { case: "errorResponse", value: { errorCode: error.code, errorMessage: error.message } };
    }
    throw error;
  }
}

/** The file that declares a service, message, enum or extension, or one of their methods, fields or values. */
function fileOfSymbol(registry: Registry, symbol: string): DescFile | undefined {
  const whole = registry.get(symbol);
  if (whole !== undefined) return whole.file;
  const dot = symbol.lastIndexOf(".");
  const member = symbol.slice(dot + 1);
  const parent = registry.get(symbol.slice(0, Math.max(0, dot)));
  switch (parent?.kind) {
    case "service":
      return parent.methods.some(({ name }) => name === member) ? parent.file : undefined;
    case "message":
      return [...parent.fields, ...parent.oneofs].some(({ name }) => name === member) ? parent.file : undefined;
    case "enum":
      return parent.values.some(({ name }) => name === member) ? parent.file : undefined;
    default:
      return undefined;
  }
}

function described(file: DescFile): Answer {
  const fileDescriptorProto = withDependencies(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

/** A file and all that it imports, each once and before what it imports itself: from the end on, clients can add one after another. */
function withDependencies(file: DescFile): DescFile[] {
  const imported = new Set<DescFile>();
  const visit = (one: DescFile): void => {
    if (imported.has(one)) return;
    for (const dependency of one.dependencies) visit(dependency);
    imported.add(one);
  };
  visit(file);
  return [...imported].reverse();
}

function missing(what: string): never {
  throw notFound(`this server has no ${what}`);
}
