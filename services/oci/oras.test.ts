import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import { orasProgram } from "#libs/programs";
import { canonicalRecipe, type Digest, digestOf, mediaTypes, readManifest } from "#libs/recipes";
import { loadFloat32 } from "#libs/tensors";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { LINEAGE_TYPE, RECIPE_TYPE } from "./referrers/derived.ts";
import { type OciFixture, startOci, weightsOf } from "./testing/start-oci.ts";

const oras = await orasProgram();
const oci = await startOci();
after(() => oci[Symbol.asyncDispose]());
const host = oci.registry.address;

type Json = { readonly [name: string]: never } & {
  readonly manifests: readonly { readonly digest: string; readonly artifactType: string; readonly annotations: Record<string, string> }[];
  readonly referrers: readonly { readonly digest: string; readonly artifactType: string; readonly reference: string }[];
  readonly tags: readonly string[];
};

/** Runs oras in a folder of its own and gives its output. */
async function run(
  args: readonly string[],
  { cwd = oci.directory.path, to = oci }: { cwd?: string; to?: OciFixture } = {},
): Promise<string> {
  const env = { ...process.env, HOME: to.directory.path, DOCKER_CONFIG: to.directory.path };
  const { stdout } = await promisify(execFile)(oras, args, { cwd, env, encoding: "utf8", maxBuffer: 1 << 24 });
  return stdout;
}

const json = async (args: readonly string[]): Promise<Json> => JSON.parse(await run(args)) as Json;

async function folder(name: string, files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<string> {
  const path = oci.directory.join(name);
  await mkdir(path);
  for (const [file, content] of Object.entries(files)) await writeFile(join(path, file), content);
  return path;
}

const parents = [await oci.importModel("one", [1, 2, 3]), await oci.importModel("other", [3, 2, 1])];
const averaged = await oci.average(parents);
await oci.catalog.moveRef({ name: "birds/champion", to: averaged, reason: "the first" });

test("an averaged model is pulled by tag and by digest, and each of its parents by digest", async () => {
  for (const [i, [reference, numbers]] of [
    [":latest", [2, 2, 2]],
    [`@${averaged}`, [2, 2, 2]],
    [`@${parents[0]}`, [1, 2, 3]],
    [`@${parents[1]}`, [3, 2, 1]],
  ].entries() as ArrayIterator<[number, [string, number[]]]>) {
    const cwd = await folder(`pulled-${i}`);
    await run(["pull", "--plain-http", `${host}/birds/champion${reference}`], { cwd });
    assert.deepEqual(new Uint8Array(await readFile(join(cwd, "model.safetensors"))).slice(-12), weightsOf(numbers).slice(-12), reference);
  }
  const { manifest } = await oci.artifacts.get(averaged);
  assert.equal(await run(["manifest", "fetch", "--plain-http", `${host}/birds/champion:latest`]), new TextDecoder().decode(manifest));
});

test("its config is one by ModelPack's own schema, and its manifest has what the specification asks for", async () => {
  const schema = JSON.parse(await readFile(new URL("./testing/modelpack-config.schema.json", import.meta.url), "utf8"));
  const isConfig = new Ajv2020({ formats: { "date-time": true } }).compile(schema);
  const fetched: object = JSON.parse(await run(["manifest", "fetch-config", "--plain-http", `${host}/birds/champion:latest`]));
  assert.ok(isConfig(fetched), JSON.stringify(isConfig.errors));
  assert.ok(!isConfig({ ...fetched, modelfs: undefined }));
  const manifest = JSON.parse(await run(["manifest", "fetch", "--plain-http", `${host}/birds/champion:latest`]));
  assert.deepEqual(
    [manifest.schemaVersion, manifest.mediaType, manifest.artifactType, manifest.config.mediaType, manifest.layers[0].mediaType],
    [
      2,
      "application/vnd.oci.image.manifest.v1+json",
      "application/vnd.cncf.model.manifest.v1+json",
      "application/vnd.cncf.model.config.v1+json",
      "application/vnd.cncf.model.weight.v1.raw",
    ],
  );
});

test("recipe and lineage refer to it: the recipe as a file, the lineage as an index of the parents", async () => {
  const { referrers } = await json(["discover", "--plain-http", "--format", "json", `${host}/birds/champion:latest`]);
  assert.deepEqual(referrers.map(({ artifactType }) => artifactType).sort(), [LINEAGE_TYPE, RECIPE_TYPE]);
  const named = (type: string) => `${host}/birds/champion@${referrers.find(({ artifactType }) => artifactType === type)?.digest}`;

  const cwd = await folder("recipe");
  await run(["pull", "--plain-http", named(RECIPE_TYPE)], { cwd });
  const { recipe } = readManifest((await oci.artifacts.get(averaged)).manifest);
  assert.equal(await readFile(join(cwd, "recipe.json"), "utf8"), canonicalRecipe(recipe));

  const { manifests } = await json(["manifest", "fetch", "--plain-http", named(LINEAGE_TYPE)]);
  assert.deepEqual(
    manifests.map(({ digest, artifactType, annotations }) => ({ digest, artifactType, role: annotations["org.ratatouille.role"] })),
    parents.map((digest) => ({ digest, artifactType: mediaTypes.model, role: "models" })),
  );
  const filtered = await json([
    "discover",
    "--plain-http",
    "--format",
    "json",
    "--artifact-type",
    RECIPE_TYPE,
    `${host}/birds/champion:latest`,
  ]);
  assert.equal(filtered.referrers.length, 1);
});

const packed = ["--artifact-type", mediaTypes.model, "--config", `config.json:${mediaTypes.modelConfig}`];
const config = JSON.stringify({
  descriptor: { name: "sparrow", licenses: ["Apache-2.0"] },
  config: { architecture: "linear", format: "safetensors" },
  modelfs: { type: "layers", diffIds: [`sha256:${"0".repeat(64)}`] },
});

test("a ModelPack that is pushed is a model here, which can be averaged; it is pulled as it was pushed", async () => {
  const weights = weightsOf([5, 6, 7]);
  const cwd = await folder("packed", { "config.json": config, "sparrow.safetensors": weights, "README.md": "# Sparrow\n" });
  const layers = [`sparrow.safetensors:${mediaTypes.weights}`, `README.md:${mediaTypes.document}`];
  const pushed = await run(["push", "--plain-http", "--format", "json", ...packed, `${host}/birds/sparrow:v1`, ...layers], { cwd });
  const { digest } = JSON.parse(pushed) as { digest: string };
  assert.equal((await json(["manifest", "fetch", "--plain-http", "--descriptor", `${host}/birds/sparrow:v1`]))["digest"], digest);

  const { artifact } = await oci.catalog.getArtifact({ name: { case: "ref", value: "birds/sparrow/v1" } });
  assert.equal(artifact?.kind, ArtifactKind.MODEL);
  const manifest = readManifest(artifact.manifest);
  assert.deepEqual(manifest.licences, ["Apache-2.0"]);
  assert.deepEqual(
    await oci.artifacts.download(manifest.layers.find(({ mediaType }) => mediaType === mediaTypes.weights)!.digest),
    weights,
  );
  const average = await oci.average([artifact.digest as Digest, parents[0]!]);
  assert.deepEqual((await oci.artifacts.get(average)).inputs, [artifact.digest, parents[0]]);

  const back = await folder("packed-back");
  await run(["pull", "--plain-http", `${host}/birds/sparrow@${digest}`], { cwd: back });
  assert.deepEqual(new Uint8Array(await readFile(join(back, "sparrow.safetensors"))), weights);
  assert.equal(await readFile(join(back, "README.md"), "utf8"), "# Sparrow\n");

  // The lineage of the average names the artifact, which has all of it, and what was pushed, as files.
  const envelope = await folder("packed-envelope");
  await run(["pull", "--plain-http", `${host}/birds/sparrow@${artifact.digest}`], { cwd: envelope });
  assert.equal(digestOf(await readFile(join(envelope, "manifest.json"))), digest);
  assert.deepEqual(new Uint8Array(await readFile(join(envelope, "sparrow.safetensors"))), weights);
});

test("a tag moves on by another push, and the ref keeps its history", async () => {
  const cwd = await folder("moved", { "config.json": config, "model.safetensors": weightsOf([8]) });
  const before = (await oci.catalog.getArtifact({ name: { case: "ref", value: "birds/sparrow/v1" } })).artifact?.digest;
  await run(["push", "--plain-http", ...packed, `${host}/birds/sparrow:v1`, `model.safetensors:${mediaTypes.weights}`], { cwd });
  const { refs } = await oci.catalog.listRefs({ prefix: "birds/sparrow/v1" });
  assert.deepEqual(
    refs[0]?.history.map(({ digest, reason }) => [digest, reason]),
    [
      [before, "pushed to birds/sparrow:v1"],
      ["", "pushed to birds/sparrow:v1"],
    ],
  );
});

test("weights in several files, and in archives as the specification's example has them, become one file of weights", async () => {
  const [one, other] = [weightsOf([1, 2], "one"), weightsOf([3], "other")];
  const cwd = await folder("shards", { "config.json": config });
  await mkdir(join(cwd, "weights"));
  await writeFile(join(cwd, "weights", "one.safetensors"), one);
  await writeFile(join(cwd, "other.safetensors"), other);
  await promisify(execFile)("tar", ["-cf", "one.tar", "weights"], { cwd });
  const archive = mediaTypes.weights.replace("raw", "tar");
  const push = async (tag: string, ...layers: string[]) => {
    await run(["push", "--plain-http", ...packed, `${host}/birds/shards:${tag}`, ...layers], { cwd });
    const { artifact } = await oci.catalog.getArtifact({ name: { case: "ref", value: `birds/shards/${tag}` } });
    assert.equal(artifact?.kind, ArtifactKind.MODEL);
    const weights = readManifest(artifact.manifest).layers.filter(({ mediaType }) => mediaType === mediaTypes.weights);
    return Promise.all(weights.map(({ digest }) => oci.artifacts.download(digest)));
  };
  assert.deepEqual(await push("archive", `one.tar:${archive}`), [one]);
  const [joined] = await push("both", `one.tar:${archive}`, `other.safetensors:${mediaTypes.weights}`);
  const tensors = await loadFloat32(joined!);
  assert.deepEqual(
    [...tensors].map(([name, { data }]) => [name, [...data]]),
    [
      ["one", [1, 2]],
      ["other", [3]],
    ],
  );
  const back = await folder("shards-back");
  await run(["pull", "--plain-http", `${host}/birds/shards:both`], { cwd: back });
  assert.deepEqual((await readdir(back)).sort(), ["one.tar", "other.safetensors"]);
});

test("what cannot be a model is refused with what would be right, and leaves nothing", async () => {
  const part = { "part.safetensors": weightsOf([1]), "again.safetensors": weightsOf([2]) };
  const cwd = await folder("wrong", { "config.json": config, "model.gguf": "GGUF", ...part });
  const push = (tag: string, ...layers: string[]) =>
    run(["push", "--plain-http", ...packed, `${host}/birds/wrong:${tag}`, ...layers], { cwd });
  await assert.rejects(push("gguf", `model.gguf:${mediaTypes.weights}`), /manifest invalid: .*is no safetensors file/s);
  const parts = [`part.safetensors:${mediaTypes.weights}`, `model.gguf:${mediaTypes.weights}`];
  await assert.rejects(push("parts", ...parts), /"model\.gguf" is no safetensors file|sha256:[0-9a-f]+" is no safetensors file/);
  const twice = [`part.safetensors:${mediaTypes.weights}`, `again.safetensors:${mediaTypes.weights}`];
  await assert.rejects(push("twice", ...twice), /several files have the tensors "weight"/);
  await assert.rejects(push("zip", `part.safetensors:${mediaTypes.weights.replace("raw", "tar+gzip")}`), /there is .*v1\.tar\+gzip/);
  await assert.rejects(push("tar", `part.safetensors:${mediaTypes.weights.replace("raw", "tar")}`), /the archive sha256:.* cannot be read/);
  await assert.rejects(push("none", `config.json:${mediaTypes.document}`), /none has weights/);
  await assert.rejects(push("_x", `part.safetensors:${mediaTypes.weights}`), /cannot be a tag here/);
  await assert.rejects(run(["repo", "tags", "--plain-http", `${host}/birds/wrong`]), /name unknown/);
});

test("what others say of a model is attached to it and found; files that are no model are sources", async () => {
  const cwd = await folder("attached", { "card.md": "# Champion\n" });
  const type = "application/vnd.example.card";
  await run(["attach", "--plain-http", "--artifact-type", type, `${host}/birds/champion:latest`, "card.md:text/markdown"], { cwd });
  const { referrers } = await json([
    "discover",
    "--plain-http",
    "--format",
    "json",
    "--artifact-type",
    type,
    `${host}/birds/champion:latest`,
  ]);
  assert.equal(referrers.length, 1);
  const { artifacts } = await oci.catalog.listArtifacts({ kind: ArtifactKind.SOURCE });
  assert.equal(artifacts.length, 1);
});

test("tags of the catalog, refs one word below and the ref itself are the tags of a repository", async () => {
  await oci.catalog.createTag({ name: "birds/champion:1.0", digest: averaged });
  await oci.catalog.moveRef({ name: "birds/champion/candidate", to: parents[0]! });
  const { tags } = await json(["repo", "tags", "--plain-http", "--format", "json", `${host}/birds/champion`]);
  assert.deepEqual([...tags].sort(), ["1.0", "candidate", "latest"]);
  const cwd = await folder("fixed", { "config.json": config, "model.safetensors": weightsOf([9]) });
  const push = run(["push", "--plain-http", ...packed, `${host}/birds/champion:1.0`, `model.safetensors:${mediaTypes.weights}`], { cwd });
  await assert.rejects(push, /names sha256:[0-9a-f]{64} for good/);
});

test("repositories are the names that have a tag, and not those that the registry keeps for itself", async () => {
  const names = (await run(["repo", "ls", "--plain-http", host])).trim().split("\n");
  assert.deepEqual(
    names.filter((name) => !name.startsWith("birds")),
    [],
  );
  assert.ok(["birds", "birds/champion", "birds/sparrow"].every((name) => names.includes(name)));
});

test("with TLS and a token, as everybody else reaches it", async () => {
  const [key, cert] = [oci.directory.join("key.pem"), oci.directory.join("cert.pem")];
  const made = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=localhost",
  ];
  await promisify(execFile)("openssl", [...made, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert]);
  const tls = { certificate: await readFile(cert), key: await readFile(key) };
  await using secure = await startOci({ token: "secret", tls });
  await secure.catalog.moveRef({ name: "birds/one", to: await secure.importModel("one", [1]) });
  const list = ["repo", "tags", "--ca-file", cert, `${secure.registry.address}/birds/one`];
  await assert.rejects(run(list), /basic credential not found|401/);
  await assert.rejects(run([...list, "-u", "me", "-p", "wrong"]), /401|unauthorized/i);
  assert.equal((await run([...list, "-u", "me", "-p", "secret"])).trim(), "latest");
});

test("a copy in another registry is the same artifact, with its parents; the token is asked for", async () => {
  await using other = await startOci({ token: "secret" });
  const target = `${other.registry.address}/copied/champion:v1`;
  const copy = ["cp", "-r", "--from-plain-http", "--to-plain-http", `${host}/birds/champion:latest`, target];
  await assert.rejects(run(copy), /401|unauthorized|basic credential not found/i);
  const as = ["--to-username", "anybody", "--to-password", "secret"];
  await run([...copy, ...as]);
  const fetched = await run(["manifest", "fetch", "--plain-http", "-u", "anybody", "-p", "secret", target]);
  assert.equal(fetched, new TextDecoder().decode((await oci.artifacts.get(averaged)).manifest));
  assert.deepEqual((await other.artifacts.get(averaged)).inputs, parents);
  const { artifact } = await other.catalog.getArtifact({ name: { case: "ref", value: "copied/champion/v1" } });
  assert.equal(artifact?.digest, averaged);
  for (const parent of parents) assert.equal((await other.artifacts.get(parent)).digest, parent);
});

test("what docs/oci.md tells people to type works", async () => {
  const page = await readFile(fileURLToPath(new URL("../../docs/oci.md", import.meta.url)), "utf8");
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, commands = ""]) => commands.replaceAll("127.0.0.1:7480", host));
  assert.equal(blocks.length, 4);
  const cwd = await folder("as-told");
  const env = { ...process.env, PATH: `${dirname(oras)}:${process.env["PATH"]}`, HOME: cwd };
  const { stdout } = await promisify(execFile)("sh", ["-euc", blocks.join("\n")], { cwd, env });
  assert.match(stdout, /├── application\/vnd\.ratatouille\.lineage\.v1\+json/);
  assert.deepEqual((await readdir(join(cwd, "parent"))).sort(), ["model.safetensors"]);
  const { artifact } = await oci.catalog.getArtifact({ name: { case: "ref", value: "birds/sparrow/v1" } });
  assert.deepEqual(readManifest(artifact!.manifest).licences, ["MIT"]);
});
