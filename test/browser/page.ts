/** What runs in the browser: calls of each kind to a server of another origin, and what came of them, sent to where the page is from. */
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { ErrorInfoSchema } from "#proto/google/rpc/error_details_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";

const { location } = globalThis as unknown as { location: { readonly href: string } };
const asked = new URL(location.href).searchParams;
const [baseUrl, token] = [asked.get("server") ?? "", asked.get("token") ?? ""];
const authorization = `Bearer ${token}`;

const transports: Readonly<Record<string, Transport>> = {
  "Connect with JSON": createConnectTransport({ baseUrl }),
  "Connect with protobuf": createConnectTransport({ baseUrl, useBinaryFormat: true }),
  "Connect by GET": createConnectTransport({ baseUrl, useHttpGet: true }),
  "gRPC-Web": createGrpcWebTransport({ baseUrl }),
};

async function calls(transport: Transport, blob: { readonly digest: string; readonly length: number }) {
  const [system, catalog] = [createClient(SystemService, transport), createClient(CatalogService, transport)];
  const headers = { authorization };
  const { version } = await system.getSystem({}, { headers });
  const missing = await catalog.getArtifact({ name: { case: "ref", value: "no/such" } }, { headers }).catch(ConnectError.from);
  const denied = await system.getSystem({}).catch(ConnectError.from);
  let bytes = 0;
  for await (const { chunk } of catalog.downloadBlob({ digest: blob.digest }, { headers })) bytes += chunk.length;
  const watched = await Array.fromAsync(system.watchEvents({}, { headers, timeoutMs: 500 })).catch(ConnectError.from);
  return {
    version,
    missing: missing instanceof ConnectError ? [Code[missing.code], missing.findDetails(ErrorInfoSchema)[0]?.reason] : "answered",
    denied: denied instanceof ConnectError ? Code[denied.code] : "answered",
    whole: bytes === blob.length,
    watched: watched instanceof ConnectError ? Code[watched.code] : "ended",
  };
}

/** Stores bytes by PUT and reads the last of them by GET, as pages do that have no gRPC. */
async function store() {
  const bytes = new Uint8Array(3_000_000).map((_, i) => i % 251);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const digest = `sha256:${[...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  const url = `${baseUrl}/v1/blobs/${digest}`;
  const put = await fetch(url, { method: "PUT", body: bytes, headers: { authorization } });
  const part = await fetch(url, { headers: { authorization, range: "bytes=-4" } });
  const last = [...new Uint8Array(await part.arrayBuffer())];
  return { digest, length: bytes.length, statuses: [put.status, part.status], range: part.headers.get("content-range"), last };
}

async function all() {
  const { digest, length, ...stored } = await store();
  const results: Record<string, unknown> = {};
  for (const [name, transport] of Object.entries(transports)) results[name] = await calls(transport, { digest, length });
  return { stored, results };
}

const outcome = await all().catch((error: unknown) => ({ failed: String(error) }));
await fetch("/outcome", { method: "POST", body: JSON.stringify(outcome) });
