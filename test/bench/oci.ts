import { execFile, spawn } from "node:child_process";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { orasProgram } from "#libs/programs";
import { buildModelManifest, type Digest, mediaTypes } from "#libs/recipes";
import { connect } from "#libs/rpc";
import { writeSafetensors } from "#libs/tensors";
import { freePort, waitFor } from "#libs/testing";
import type { Benchmark } from "./benchmark.ts";
import { withDirectory, withSystem } from "./system.ts";

/** Pulls by oras, from the registry and from nginx that serves the same files in the places where a registry has them. */
export const oci: Benchmark = {
  summary: "a model (--size) pulled by oras from the registry, against nginx with the same files; needs nginx (Debian: nginx-light)",
  run: ({ runs, size, say }) =>
    withDirectory((directory) =>
      withSystem({ trainers: 0 }, async (system) => {
        using channel = connect(system.address);
        say(`importing a model of ${size} MB`);
        const model = await importModel(createArtifacts(channel), size * 1e6);
        const blobs = join(system.directory, "catalog", "blobs", "sha256");
        await using nginx = await startNginx(directory, model, blobs);
        const pull = await puller(join(directory, "pulled"), model.digest);
        const speeds: Record<"registry" | "nginx", number[]> = { registry: [], nginx: [] };
        say("pulling in turns; the first of each does not count");
        for (let run = -1; run < runs; run += 1) {
          for (const [name, host] of [["registry", system.registry] as const, ["nginx", nginx.address] as const]) {
            const seconds = await pull(host);
            if (run >= 0) speeds[name].push(model.bytes / 1e6 / seconds);
          }
        }
        return [
          { name: "nginx", unit: "MB/s", runs: speeds.nginx },
          { name: "registry", unit: "MB/s", runs: speeds.registry },
          { name: "speed of nginx", unit: "x", runs: speeds.registry.map((speed, i) => speed / speeds.nginx[i]!), atLeast: 0.8 },
        ];
      }),
    ),
};

type Model = { readonly digest: Digest; readonly manifest: Uint8Array; readonly layers: readonly Digest[]; readonly bytes: number };

async function importModel(artifacts: Artifacts, bytes: number): Promise<Model> {
  const data = new Uint8Array(bytes);
  // Every page differs, so that nothing on the way can leave one out.
  for (let at = 0; at + 64 <= bytes; at += 4096) crypto.getRandomValues(data.subarray(at, at + 64));
  const file = writeSafetensors([{ name: "weight", dtype: "U8", shape: [bytes], data }]);
  const weights = await artifacts.upload(file, { mediaType: mediaTypes.weights });
  const files = [{ path: "model.safetensors", digest: weights.digest, bytes: weights.size }];
  const recipe = { kind: "import", inputs: {}, parameters: { files, licence: "MIT", source: "a benchmark" } };
  const built = buildModelManifest({ recipe, licences: ["MIT"], weights, architecture: "none", parameterCount: bytes });
  const { digest, manifest } = await artifacts.publish(built);
  const { config } = JSON.parse(new TextDecoder().decode(manifest)) as { config: { digest: Digest } };
  return { digest: digest as Digest, manifest, layers: [config.digest, weights.digest], bytes: weights.size };
}

/** Pulls the model from a host into a fresh folder; gives the seconds. */
async function puller(folder: string, digest: Digest): Promise<(host: string) => Promise<number>> {
  const oras = await orasProgram();
  return async (host) => {
    const began = performance.now();
    await promisify(execFile)(oras, ["pull", "--plain-http", "-o", folder, `${host}/bench/model@${digest}`]);
    const seconds = (performance.now() - began) / 1000;
    await rm(folder, { recursive: true });
    return seconds;
  };
}

/** nginx with the catalog's own files, by the names that a registry has for them. */
async function startNginx(directory: string, { digest, manifest, layers }: Model, blobs: string) {
  const root = join(directory, "www");
  const place = (kind: string) => join(root, "v2/bench/model", kind);
  for (const kind of ["manifests", "blobs"]) await mkdir(place(kind), { recursive: true });
  await writeFile(join(place("manifests"), digest), manifest);
  for (const layer of layers) await symlink(join(blobs, layer.slice(7, 9), layer.slice(7)), join(place("blobs"), layer));
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(directory, "nginx.conf");
  const user = process.getuid?.() === 0 ? "user root;" : "";
  await writeFile(
    config,
    `daemon off; ${user} pid ${directory}/nginx.pid; error_log ${directory}/nginx.log; worker_processes auto; events {}
http {
  sendfile on; tcp_nopush on; access_log off; default_type application/octet-stream;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${directory}/${of};`).join(" ")}
  server { listen ${address}; root ${root}; location ~ /manifests/ { default_type ${mediaTypes.manifest}; } }
}`,
  );
  const child = spawn("nginx", ["-c", config], { stdio: "inherit" });
  const failed = new Promise<never>((_, reject) => child.once("error", (cause) => reject(new Error(`nginx: ${cause.message}`, { cause }))));
  const url = `http://${address}/v2/bench/model/manifests/${digest}`;
  await Promise.race([waitFor(async () => (await fetch(url)).ok, { what: "nginx" }), failed]);
  return {
    address,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("close", resolve));
    },
  };
}
