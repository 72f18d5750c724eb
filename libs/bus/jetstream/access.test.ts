import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { nkeys } from "@nats-io/transport-node";
import { startNatsServer, type TemporaryDirectory, temporaryDirectory } from "#libs/testing";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { connectJetStream, event, type JetStreamOptions, topic } from "../index.ts";
import { contractStreams as streams } from "../testing/streams.ts";

const work = topic("ratatouille.v1.work.test", JobOfferedSchema);

let directory: TemporaryDirectory;
before(async () => {
  directory = await temporaryDirectory();
  // An authority, a server's certificate and a client's, and an authority of somebody else.
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory.path, stdio: "ignore" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  for (const ca of ["ca", "other"])
    openssl("req", "-x509", ...key, "-days", "2", "-keyout", `${ca}.key`, "-out", `${ca}.pem`, "-subj", `/CN=${ca}`);
  for (const name of ["server", "client"]) {
    await writeFile(directory.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2"];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signed, "-out", `${name}.pem`);
  }
});
after(() => directory[Symbol.asyncDispose]());

/** Publishes and consumes one message. */
async function works(options: Omit<JetStreamOptions, "streams">): Promise<void> {
  await using bus = await connectJetStream({ ...options, streams });
  await bus.publish(event(work, "a", { jobId: "a" }));
  const stop = new AbortController();
  await bus.consume(work, { durable: "worker", concurrency: 1, signal: stop.signal }, async () => stop.abort());
  await bus.check();
}

/** The reason why there is no bus. */
async function refuses(options: Omit<JetStreamOptions, "streams">, reason: RegExp): Promise<void> {
  await using bus = await connectJetStream({ ...options, streams });
  await assert.rejects(bus.publish(event(work, "a", { jobId: "a" })), reason);
}

test("jetstream: a server that asks for a token or a password lets in who has it, and says who has not", async () => {
  {
    await using server = await startNatsServer(["--auth", "t0ken"]);
    const { address: servers } = server;
    await Promise.all([
      works({ servers, credentials: { token: "t0ken" } }),
      refuses({ servers }, /NATS at 127\.0\.0\.1:\d+ refuses this program: .*authorization violation/i),
      refuses({ servers, credentials: { token: "wrong" } }, /refuses this program/),
    ]);
  }
  await using server = await startNatsServer(["--user", "rat", "--pass", "s3cret"]);
  const { address: servers } = server;
  await Promise.all([
    works({ servers, credentials: { user: "rat", password: "s3cret" } }),
    refuses({ servers, credentials: { user: "rat", password: "wrong" } }, /refuses this program/),
  ]);
});

test("jetstream: a server that knows users by their NKeys lets in who has the seed", async () => {
  const [user, stranger] = [nkeys.createUser(), nkeys.createUser()];
  const config = directory.join("nkeys.conf");
  await writeFile(config, `authorization: { users: [ { nkey: ${user.getPublicKey()} } ] }\n`);
  await using server = await startNatsServer(["-c", config]);
  const { address: servers } = server;
  await Promise.all([
    works({ servers, credentials: { nkeySeed: user.getSeed() } }),
    refuses({ servers, credentials: { nkeySeed: stranger.getSeed() } }, /refuses this program/),
  ]);
});

/** A JWT of NATS, version 2: as `nsc` writes them. */
function natsJwt(issuer: nkeys.KeyPair, subject: string, nats: { readonly [claim: string]: unknown }): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { jti: subject, iat: Math.floor(Date.now() / 1000), iss: issuer.getPublicKey(), name: "test", sub: subject };
  const text = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part({ ...claims, nats: { version: 2, ...nats } })}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString("base64url")}`;
}

/** What `nsc generate creds` writes. */
function credsFile(jwt: string, user: nkeys.KeyPair): Uint8Array {
  const block = (what: string, text: string) => `-----BEGIN ${what}-----\n${text}\n------END ${what}------\n\n`;
  return Buffer.from(block("NATS USER JWT", jwt) + block("USER NKEY SEED", Buffer.from(user.getSeed()).toString()));
}

test("jetstream: a server that knows users by the JWTs of their account lets in who has such credentials", async () => {
  const [operator, account, system, user, stranger] = [
    ...[nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()],
    ...[nkeys.createUser(), nkeys.createAccount()],
  ] as const;
  const all = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const stored = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const accountJwt = (of: nkeys.KeyPair, limits: object) => natsJwt(operator, of.getPublicKey(), { type: "account", limits });
  const userJwt = (issuer: nkeys.KeyPair) => natsJwt(issuer, user.getPublicKey(), { type: "user", subs: -1, data: -1, payload: -1 });
  const config = directory.join("operator.conf");
  await writeFile(
    config,
    `operator: ${natsJwt(operator, operator.getPublicKey(), { type: "operator", system_account: system.getPublicKey() })}
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload: {
  ${account.getPublicKey()}: ${accountJwt(account, { ...all, ...stored })}
  ${system.getPublicKey()}: ${accountJwt(system, all)}
}
`,
  );
  await using server = await startNatsServer(["-c", config]);
  const { address: servers } = server;
  await Promise.all([
    works({ servers, credentials: { creds: credsFile(userJwt(account), user) } }),
    refuses({ servers, credentials: { creds: credsFile(userJwt(stranger), user) } }, /refuses this program/),
    refuses({ servers }, /refuses this program/),
  ]);
});

test("jetstream: over TLS, with the server's authority and a client's certificate; one that cannot be trusted gets nothing", async () => {
  const pem = (name: string) => readFile(directory.join(name), "utf8");
  const [ca, other, cert, key] = [await pem("ca.pem"), await pem("other.pem"), await pem("client.pem"), await pem("client.key")];
  const files = ["--tlscert", directory.join("server.pem"), "--tlskey", directory.join("server.key")];
  await using server = await startNatsServer(["--tls", ...files]);
  await using strict = await startNatsServer(["--tlsverify", "--tlscacert", directory.join("ca.pem"), ...files]);
  await using plain = await startNatsServer();
  const distrust = /no NATS server at .*(self.signed|certificate|issuer|verify)/i;
  await Promise.all([
    works({ servers: server.address, tls: { ca } }),
    refuses({ servers: server.address, tls: { ca: other } }, distrust),
    refuses({ servers: server.address }, distrust),
    works({ servers: strict.address, tls: { ca, cert, key } }),
    refuses({ servers: strict.address, tls: { ca } }, /no NATS server at /),
    // Who wants TLS does not speak without it.
    refuses({ servers: plain.address, tls: { ca } }, /no NATS server at .*TLS/i),
  ]);
});

test("jetstream: of several servers the one that is there is found", async () => {
  await using away = await startNatsServer();
  await using server = await startNatsServer();
  await away.kill();
  await works({ servers: [away.address, server.address] });
});
