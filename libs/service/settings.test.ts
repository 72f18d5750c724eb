import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import * as v from "valibot";
import { temporaryDirectory } from "#libs/testing";
import {
  address,
  busSettings,
  ConfigError,
  declareSettings,
  describeSettings,
  readNatsAccess,
  readSettings,
  wholeNumber,
  yesOrNo,
} from "./index.ts";

const settings = declareSettings({
  listen: { flag: "--listen <host:port>", env: "R_LISTEN", description: "where", schema: address(), default: "127.0.0.1:7441" },
  catalog: { flag: "--catalog <host:port>", env: "R_CATALOG", description: "the catalog", schema: address(), required: true },
  drainMs: { flag: "--drain-ms <number>", env: "R_DRAIN_MS", description: "patience", schema: wholeNumber(0, 1000), default: "500" },
  insecure: { flag: "--insecure", env: "R_INSECURE", description: "no TLS", schema: yesOrNo(), default: "false" },
  token: {
    flag: "--token <token>",
    env: "R_TOKEN",
    description: "a secret",
    schema: v.pipe(v.string(), v.minLength(8, "at least 8 characters")),
    secret: true,
  },
});

test("flags win over the environment, the environment over defaults, and an empty variable is not set", () => {
  const env = { R_LISTEN: "localhost:1", R_CATALOG: "localhost:2", R_DRAIN_MS: "", R_TOKEN: "12345678", OTHER: "x" };
  const values = readSettings(settings, { flags: { catalog: "localhost:3", insecure: true, other: 1 }, env });
  const drainMs: number = values.drainMs;
  const token: string | undefined = values.token;
  assert.deepEqual(
    { ...values, drainMs, token },
    { listen: "localhost:1", catalog: "localhost:3", drainMs: 500, insecure: true, token: "12345678" },
  );
});

test("every problem is reported at once, by the name it was given under, and no secret is repeated", () => {
  assert.throws(
    () => readSettings(settings, { flags: { listen: "here", token: "s3cret" }, env: { R_DRAIN_MS: "2000", R_INSECURE: "maybe" } }),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.problems, [
        '--listen must be an address like 127.0.0.1:7070, not "here"',
        "neither --catalog nor R_CATALOG is set",
        'R_DRAIN_MS must be a whole number from 0 to 1000, not "2000"',
        'R_INSECURE must be true or false, not "maybe"',
        "--token must be at least 8 characters",
      ]);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    },
  );
});

test("what is shown says where each value is from, hides secrets, and checks nothing", () => {
  assert.deepEqual(describeSettings(settings, { flags: { listen: "here", token: "s3cret" }, env: { R_DRAIN_MS: "7" } }), [
    { name: "listen", value: "here", from: "--listen" },
    { name: "catalog", value: undefined, from: "not set" },
    { name: "drain-ms", value: "7", from: "R_DRAIN_MS" },
    { name: "insecure", value: "false", from: "default" },
    { name: "token", value: "(secret)", from: "--token" },
  ]);
});

test("how NATS is reached: several servers, one way to say who this is, and files that are read at the start", async () => {
  await using directory = await temporaryDirectory();
  const [seed, ca] = [directory.join("seed"), directory.join("ca.pem")];
  await writeFile(seed, "SUAB\n");
  await writeFile(ca, "PEM");
  const read = (flags: Record<string, string>) => {
    const values = readSettings(busSettings, { flags, env: {} });
    return { servers: values.nats, ...readNatsAccess(values) };
  };
  assert.deepEqual(read({}), { servers: ["127.0.0.1:4222"] });
  assert.deepEqual(read({ nats: "a:4222, [::1]:4222", natsUser: "rat", natsPassword: "s3cret", natsCa: ca }), {
    servers: ["a:4222", "[::1]:4222"],
    credentials: { user: "rat", password: "s3cret" },
    tls: { ca: "PEM" },
  });
  assert.deepEqual(read({ natsToken: "t" }).credentials, { token: "t" });
  assert.deepEqual(read({ natsNkey: seed }).credentials, { nkeySeed: new TextEncoder().encode("SUAB") });
  for (const [flags, problem] of [
    [{ nats: "a:4222,b" }, /--nats must be an address like 127\.0\.0\.1:4222, or several with commas between them, not "a:4222,b"/],
    [{ natsUser: "rat" }, /--nats-user and --nats-password go together/],
    [{ natsCert: ca }, /--nats-cert and --nats-key go together/],
    [{ natsToken: "t", natsNkey: seed }, /--nats-token and --nats-nkey: one way to say who this is to NATS is enough/],
    [{ natsCreds: "/nowhere" }, /--nats-creds names \/nowhere, which cannot be read: ENOENT/],
  ] as const)
    assert.throws(
      () => read(flags),
      (error) => error instanceof ConfigError && problem.test(error.message),
      String(problem),
    );
});
