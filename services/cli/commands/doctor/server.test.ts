import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { after, test } from "node:test";
import { implement, type ServeOptions, serve } from "#libs/rpc";
import { freePort, temporaryDirectory } from "#libs/testing";
import { FinetuneService, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { checkPort, checkServer } from "./server.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory.path, stdio: "ignore" });
const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** An authority, in NAME.pem. */
function makeAuthority(name: string): string {
  openssl("req", "-x509", ...curve, "-days", "2", "-keyout", `${name}.key`, "-out", `${name}.pem`, "-subj", `/CN=${name}`);
  return directory.join(`${name}.pem`);
}

/** A certificate of an authority, valid between two times such as "20240101000000Z". */
function makeCertificate(name: string, authority: string, names: string, from = "20200101000000Z", to = "20990101000000Z") {
  writeFileSync(directory.join("index.txt"), "");
  writeFileSync(directory.join(`${name}.ext`), `subjectAltName=${names}`);
  const config =
    "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nnew_certs_dir=.\ndefault_md=sha256\npolicy=names\nrand_serial=yes\n[names]\ncommonName=supplied\n";
  writeFileSync(directory.join("ca.cnf"), config);
  openssl("req", "-new", ...curve, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
  const signer = ["-cert", `${authority}.pem`, "-keyfile", `${authority}.key`];
  const what = ["-in", `${name}.csr`, "-out", `${name}.pem`, "-startdate", from, "-enddate", to, "-extfile", `${name}.ext`];
  openssl("ca", "-batch", "-notext", "-config", "ca.cnf", ...signer, ...what);
  const read = (file: string) => readFileSync(directory.join(file), "utf8");
  return { certificate: read(`${name}.pem`), key: read(`${name}.key`) };
}

const ca = makeAuthority("kitchen");
const stranger = makeAuthority("stranger");
const here = "DNS:localhost,IP:127.0.0.1";
const good = makeCertificate("good", "kitchen", here);

const system = implement(SystemService, {
  getSystem: () => ({ version: "1.2.3", services: ["catalog"], runtime: "test 1", trainers: [] }),
});
const open = (options: Partial<ServeOptions> = {}) => serve({ address: "127.0.0.1:0", services: [system], drainMs: 0, ...options });

const wrong = [
  {
    what: "that has expired",
    tls: makeCertificate("old", "kitchen", here, "20240101000000Z", "20240201000000Z"),
    trusted: ca,
    fact: /^the certificate of \S+ expired on 2024-02-01$/,
    advice: /a new one: --tls-cert and --tls-key/,
  },
  {
    what: "that is not valid yet",
    tls: makeCertificate("early", "kitchen", here, "20900101000000Z", "20910101000000Z"),
    trusted: ca,
    fact: /^the certificate of \S+ is valid only from 2090-01-01 on$/,
    advice: /clock/,
  },
  {
    what: "of another name",
    tls: makeCertificate("other", "kitchen", "DNS:bistro.example,IP:192.0.2.1"),
    trusted: ca,
    fact: /^the certificate of \S+ is for bistro\.example, 192\.0\.2\.1, not for 127\.0\.0\.1$/,
    advice: /reach the server by a name that its certificate has/,
  },
  {
    what: "of an unknown authority",
    tls: good,
    trusted: stranger,
    fact: /^the certificate of \S+ is signed by kitchen, and \S+stranger\.pem holds stranger$/,
    advice: /the authority that signed it with --ca/,
  },
  {
    what: "for which a file without certificates is named",
    tls: good,
    trusted: directory.join("good.csr"),
    fact: /good\.csr has no certificate in PEM$/,
    advice: /--ca/,
  },
  { what: "whose authority is not named", tls: good, trusted: undefined, fact: /^\S+ speaks TLS$/, advice: /with --ca$/ },
  { what: "that is none", tls: undefined, trusted: ca, fact: /^\S+ does not speak TLS$/, advice: /^leave out --ca/ },
];

test("a certificate that is not trusted: the reason, and what to do", async () => {
  // All at once: each is tried for three seconds.
  await Promise.all(
    wrong.map(async ({ what, tls, trusted, fact, advice }) => {
      await using server = await open({ tls });
      const [finding, ...more] = await checkServer(server.address, trusted === undefined ? {} : { ca: trusted });
      assert.deepEqual([finding?.topic, finding?.right, more], ["server", false, []], what);
      assert.match(finding?.fact ?? "", fact, what);
      assert.match(finding?.advice ?? "", advice, what);
    }),
  );
});

test("a server with a certificate that is trusted is right, by its address and by its name", async () => {
  await using server = await open({ tls: good });
  for (const host of ["127.0.0.1", "localhost"]) {
    const [finding] = await checkServer(`${host}:${server.port}`, { ca });
    assert.deepEqual([finding?.right, finding?.fact], [true, `${host}:${server.port}: 1.2.3 on test 1, catalog`]);
  }
});

test("an authority that cannot be read is named", async () => {
  const [finding] = await checkServer("127.0.0.1:1", { ca: "/no/such" });
  assert.equal(finding?.fact, "cannot read the certificate /no/such: it does not exist");
});

test("a port is free, has a server of ours, one that wants a token or TLS, or another program", async () => {
  const free = `127.0.0.1:${await freePort()}`;
  assert.deepEqual(await checkPort(free, {}), [{ topic: "port", right: true, fact: `${free} is free for ratatouille up` }]);
  await using guarded = await open({ token: "secret" });
  await using encrypted = await open({ tls: good });
  const program = createServer((socket) => socket.on("error", () => undefined).end("220 mail\r\n"));
  using closing = new DisposableStack();
  // A connection that is left half open would be waited for.
  closing.defer(() => program.close());
  await new Promise<void>((resolve) => program.listen(0, "127.0.0.1", resolve));
  const mail = `127.0.0.1:${(program.address() as AddressInfo).port}`;
  const said = async (address: string, access: object) => {
    const [finding, ...more] = await checkPort(address, access);
    return [finding?.topic, finding?.right, finding?.fact, ...more];
  };
  const [{ address }, { address: secure }] = [guarded, encrypted];
  assert.deepEqual(
    await Promise.all([
      said(address, {}),
      said(address, { token: "no" }),
      said(address, { token: "secret" }),
      said(secure, {}),
      said(secure, { ca }),
      said(mail, {}),
    ]),
    [
      ["server", false, `${address} is a ratatouille server that wants a token`],
      ["server", false, `${address} is a ratatouille server that wants another token`],
      ["server", true, `${address}: 1.2.3 on test 1, catalog`],
      ["server", false, `${secure} speaks TLS`],
      ["server", true, `${secure}: 1.2.3 on test 1, catalog`],
      ["port", false, `${mail} is in use by another program`],
    ],
  );
});

test("a bus that is missing is told with what to do: start it, or say who the services are", async () => {
  const adviceOn = async (problem: string) => {
    const processes = ["catalog", "finetune"].map((service) => ({ service, ready: true, checks: [{ name: "bus", problem }] }));
    await using server = await open({ services: [implement(SystemService, { getSystem: () => ({ version: "1.2.3", processes }) })] });
    const bus = (await checkServer(server.address, {})).find(({ topic }) => topic === "bus");
    assert.equal(bus?.fact, `missing, say catalog and finetune: ${problem}`);
    return bus.advice ?? "";
  };
  assert.match(await adviceOn("no NATS server at 127.0.0.1:4222"), /^start nats-server, /);
  assert.match(await adviceOn("NATS at 127.0.0.1:4222 refuses this program: Authorization Violation"), /--nats-creds, --nats-nkey, /);
});

test("trainers are listed, the server's own and those of others; jobs that wait for one that is not there are a finding", async () => {
  const job = (state: JobState, waitingFor = "") => ({ state, waitingFor });
  const waiting = job(JobState.QUEUED);
  const seen = async (names: readonly string[], others: readonly string[], jobs: ReturnType<typeof job>[]) => {
    const known = implement(SystemService, {
      getSystem: () => ({ version: "1.2.3", trainers: names.map((name) => ({ name, pid: 1, restarts: name === "b" ? 1 : 0 })) }),
    });
    const accelerator = { model: "NVIDIA H200" };
    const trainers = [...names, ...others].map((name) => ({ name, ...(name === "gpu" ? { accelerator } : {}) }));
    const finetune = implement(FinetuneService, { listJobs: () => ({ jobs }), listTrainers: () => ({ trainers }) });
    await using server = await open({ services: [known, finetune] });
    const findings = await checkServer(server.address, {});
    return findings.slice(1).map(({ topic, right, fact }) => `${topic} ${right}: ${fact}`);
  };
  assert.deepEqual(await seen(["a", "b"], ["remy", "gpu"], [job(JobState.RUNNING), job(JobState.RUNNING), waiting]), [
    "trainers true: 2 of the server: a and b (started again 1 time); 2 of others: remy and gpu (NVIDIA H200)",
    "jobs true: 2 jobs running, 1 waiting",
  ]);
  assert.deepEqual(await seen([], [], [waiting]), ["trainers false: none", "jobs true: 0 jobs running, 1 waiting"]);
  assert.deepEqual(await seen([], [], []), ["trainers true: none", "jobs true: 0 jobs running, 0 waiting"]);
  const missing = "no trainer has the network resnet18";
  assert.deepEqual(await seen([], ["remy"], [job(JobState.QUEUED, missing), job(JobState.QUEUED, missing), waiting]), [
    "trainers true: 1 of others: remy",
    "jobs true: 0 jobs running, 3 waiting",
    `jobs false: 2 jobs wait: ${missing}`,
  ]);
});
