import assert from "node:assert/strict";
import { test } from "node:test";
import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ServerReflection } from "#proto/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "#proto/grpc/reflection/v1alpha/reflection_pb.ts";
import { Code, isRpcError } from "./index.ts";
import { collect, failure, pair } from "./testing/pair.ts";

type Question = { case: "listServices" | "fileByFilename" | "fileContainingSymbol" | "allExtensionNumbersOfType"; value: string };

for (const version of [ServerReflection, ServerReflectionAlpha]) {
  const ask = async (questions: Question[]) => {
    await using p = await pair({});
    const requests = async function* () {
      for (const messageRequest of questions) yield { messageRequest };
    };
    // Both versions have the same messages.
    const client = p.channel.client(version as typeof ServerReflection);
    return (await collect(client.serverReflectionInfo(requests(), { timeoutMs: 5000 }))).map(({ messageResponse }) => messageResponse);
  };

  test(`${version.typeName} lists every service`, async () => {
    const [answer] = await ask([{ case: "listServices", value: "" }]);
    assert.ok(answer?.case === "listServicesResponse");
    assert.deepEqual(
      answer.value.service.map(({ name }) => name),
      [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "ratatouille.v1.AveragingService",
        "ratatouille.v1.CatalogService",
      ],
    );
  });

  test(`${version.typeName} gives the files of symbols, with all they import, good enough to build clients from`, async () => {
    const symbols = [
      "ratatouille.v1.CatalogService",
      "ratatouille.v1.CatalogService.GetArtifact",
      "ratatouille.v1.UploadBlobRequest",
      "ratatouille.v1.UploadBlobRequest.chunk",
      "ratatouille.v1.UploadBlobRequest.part",
    ];
    const answers = await ask([
      ...symbols.map((value) => ({ case: "fileContainingSymbol" as const, value })),
      { case: "fileByFilename", value: "ratatouille/v1/catalog.proto" },
    ]);
    for (const answer of answers) {
      assert.ok(answer?.case === "fileDescriptorResponse");
      const file: FileDescriptorProto[] = answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
      assert.equal(file[0]?.name, "ratatouille/v1/catalog.proto");
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: file.reverse() }));
      assert.equal(
        registry.getService("ratatouille.v1.CatalogService")?.method["getArtifact"]?.output.field["artifact"]?.fieldKind,
        "message",
      );
    }
  });

  test(`${version.typeName} answers unknown names with an error and goes on`, async () => {
    const answers = await ask([
      { case: "fileContainingSymbol", value: "nobody.knows" },
      { case: "fileContainingSymbol", value: "ratatouille.v1.CatalogService.Nope" },
      { case: "fileByFilename", value: "nope.proto" },
      { case: "allExtensionNumbersOfType", value: "nope" },
      { case: "allExtensionNumbersOfType", value: "ratatouille.v1.UploadBlobRequest" },
    ]);
    for (const answer of answers.slice(0, 4)) {
      assert.ok(answer?.case === "errorResponse");
      assert.equal(answer.value.errorCode, Code.NOT_FOUND);
    }
    assert.equal(answers[4]?.case, "allExtensionNumbersResponse");
  });
}

test("reflection needs the token where calls need one", async () => {
  await using p = await pair({}, { serve: { token: "secret" } });
  const silent = async function* () {
    yield { messageRequest: { case: "listServices" as const, value: "" } };
  };
  const failed = await failure(collect(p.channel.client(ServerReflection).serverReflectionInfo(silent(), { timeoutMs: 5000 })));
  assert.ok(isRpcError(failed, Code.UNAUTHENTICATED));
});
