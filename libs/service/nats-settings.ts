import { readFileSync } from "node:fs";
import * as v from "valibot";
import type { NatsAccess } from "#libs/bus";
import { address, ConfigError } from "./config.ts";
import { defaultAddresses } from "./service-settings.ts";
import { declareSettings, type Setting, type Values } from "./settings.ts";

const text = (what: string) => v.pipe(v.string(what), v.minLength(1, what));

/** `host:port`, or several, with commas between them. */
function addresses(): v.GenericSchema<string, readonly string[]> {
  const message = "an address like 127.0.0.1:4222, or several with commas between them";
  return v.pipe(
    v.string(message),
    v.transform((text) => text.split(",").map((one) => one.trim())),
    v.check((all) => all.every((one) => v.is(address(), one)), message),
  );
}

/** Where the bus is. Several servers are those of one cluster. */
const natsSetting = {
  flag: "--nats <host:port,...>",
  env: "RATATOUILLE_NATS",
  description: "NATS server with JetStream, or several of one cluster",
  schema: addresses(),
  default: defaultAddresses.nats,
} as const satisfies Setting;

/** How a program says who it is to NATS, and knows that it is NATS. */
const natsAccessSettings = declareSettings({
  natsUser: {
    flag: "--nats-user <name>",
    env: "RATATOUILLE_NATS_USER",
    description: "user of NATS, with its password",
    schema: text("a name"),
  },
  natsPassword: {
    flag: "--nats-password <password>",
    env: "RATATOUILLE_NATS_PASSWORD",
    description: "its password; other users of this machine see flags, so prefer the variable",
    schema: text("a password"),
    secret: true,
  },
  natsToken: {
    flag: "--nats-token <token>",
    env: "RATATOUILLE_NATS_TOKEN",
    description: "token of NATS; likewise",
    schema: text("a token"),
    secret: true,
  },
  natsNkey: {
    flag: "--nats-nkey <file>",
    env: "RATATOUILLE_NATS_NKEY",
    description: "seed of the NKey of a user of NATS",
    schema: text("a file"),
  },
  natsCreds: {
    flag: "--nats-creds <file>",
    env: "RATATOUILLE_NATS_CREDS",
    description: "credentials of a user of NATS: JWT and seed",
    schema: text("a file"),
  },
  natsCa: {
    flag: "--nats-ca <file>",
    env: "RATATOUILLE_NATS_CA",
    description: "authority of NATS's certificate (PEM); use TLS towards it",
    schema: text("a file"),
  },
  natsCert: {
    flag: "--nats-cert <file>",
    env: "RATATOUILLE_NATS_CERT",
    description: "certificate that NATS asks of its clients (PEM)",
    schema: text("a file"),
  },
  natsKey: { flag: "--nats-key <file>", env: "RATATOUILLE_NATS_KEY", description: "its key (PEM)", schema: text("a file") },
});

/** Where the bus is, and how it is reached. */
export const busSettings = declareSettings({ nats: natsSetting, ...natsAccessSettings });

export type NatsAccessValues = Values<typeof natsAccessSettings>;

/**
 * Reads the files that the settings name.
 * @throws ConfigError for a file that cannot be read, half a pair, or more than one way to say who this is
 */
export function readNatsAccess(values: NatsAccessValues): NatsAccess {
  const problems: string[] = [];
  const read = (key: keyof NatsAccessValues): Buffer | undefined => {
    const path = values[key];
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch (cause) {
      problems.push(`${nameOf(key)} names ${path}, which cannot be read: ${(cause as Error).message}`);
      return undefined;
    }
  };
  const together = (one: keyof NatsAccessValues, other: keyof NatsAccessValues) => {
    if ((values[one] === undefined) !== (values[other] === undefined)) problems.push(`${nameOf(one)} and ${nameOf(other)} go together`);
  };
  together("natsUser", "natsPassword");
  together("natsCert", "natsKey");
  const ways = (["natsUser", "natsToken", "natsNkey", "natsCreds"] as const).filter((key) => values[key] !== undefined);
  if (ways.length > 1) problems.push(`${ways.map(nameOf).join(" and ")}: one way to say who this is to NATS is enough`);
  const { natsUser: user, natsPassword: password, natsToken: token } = values;
  const [nkeySeed, creds] = [read("natsNkey"), read("natsCreds")];
  const [ca, cert, key] = [read("natsCa"), read("natsCert"), read("natsKey")].map((bytes) => bytes?.toString("utf8"));
  if (problems.length > 0) throw new ConfigError(problems);
  const tls = { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
  return {
    ...(user !== undefined && password !== undefined ? { credentials: { user, password } } : {}),
    ...(token === undefined ? {} : { credentials: { token } }),
    ...(nkeySeed === undefined ? {} : { credentials: { nkeySeed: new TextEncoder().encode(nkeySeed.toString("utf8").trim()) } }),
    ...(creds === undefined ? {} : { credentials: { creds } }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
}

function nameOf(key: keyof NatsAccessValues): string {
  return natsAccessSettings[key].flag.split(" ")[0] ?? key;
}
