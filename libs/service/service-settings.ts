import * as v from "valibot";
import { address } from "./config.ts";
import { declareSettings, type Setting, type Values, yesOrNo } from "./settings.ts";

/** Where each service listens on loopback unless told otherwise, and where the others look for it. */
export const defaultAddresses = {
  gateway: "127.0.0.1:7437",
  catalog: "127.0.0.1:7441",
  finetune: "127.0.0.1:7442",
  averaging: "127.0.0.1:7443",
  evaluation: "127.0.0.1:7444",
  recycling: "127.0.0.1:7445",
  sessions: "127.0.0.1:7446",
  oci: "127.0.0.1:7447",
  /** HTTP of the service oci. */
  registry: "127.0.0.1:7480",
  web: "127.0.0.1:7448",
  /** HTTP of the service web. */
  http: "127.0.0.1:7438",
  nats: "127.0.0.1:4222",
} as const;

const logLevels = ["trace", "debug", "info", "warn", "error", "silent"] as const;

const text = (what: string) => v.pipe(v.string(what), v.minLength(1, what));

/** Settings that every service has. A token is what its callers present, and what it presents to the other services. */
export const commonSettings = declareSettings({
  token: {
    flag: "--token <token>",
    env: "RATATOUILLE_TOKEN",
    description: "bearer token of all calls; other users of this machine see flags, so prefer the variable",
    schema: v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/, "printable ASCII without spaces")),
    secret: true,
  },
  tlsCert: {
    flag: "--tls-cert <file>",
    env: "RATATOUILLE_TLS_CERT",
    description: "certificate of this service (PEM)",
    schema: text("a file"),
  },
  tlsKey: { flag: "--tls-key <file>", env: "RATATOUILLE_TLS_KEY", description: "its key (PEM)", schema: text("a file") },
  ca: {
    flag: "--ca <file>",
    env: "RATATOUILLE_CA",
    description: "authority of the other services' certificates (PEM); use TLS towards them",
    schema: text("a file"),
  },
  insecure: {
    flag: "--insecure",
    env: "RATATOUILLE_INSECURE",
    description: "listen on any address, and send the token anywhere, without TLS",
    schema: yesOrNo(),
    default: "false",
  },
  logLevel: {
    flag: "--log-level <level>",
    env: "RATATOUILLE_LOG_LEVEL",
    description: "trace, debug, info, warn, error or silent; JSON lines on stdout",
    schema: v.picklist(logLevels, "trace, debug, info, warn, error or silent"),
    default: "info",
  },
});

export type CommonValues = Values<typeof commonSettings> & { readonly listen: string };

/** Where this service listens for gRPC. */
export function listenSetting(service: Exclude<keyof typeof defaultAddresses, "nats" | "registry">) {
  return {
    flag: "--listen <host:port>",
    env: "RATATOUILLE_LISTEN",
    description: "address; one that other machines reach needs TLS and a token",
    schema: address(),
    default: defaultAddresses[service],
  } as const satisfies Setting;
}

/** Where the service keeps its files: below this. */
export const dataSetting = {
  flag: "--data <directory>",
  env: "RATATOUILLE_DATA",
  description: "data directory; each service has a folder of its own in it",
  schema: text("a directory"),
  default: ".ratatouille",
} as const satisfies Setting;

/** Where another service is. */
export function peerSetting(name: "gateway" | "catalog" | "finetune" | "averaging" | "evaluation" | "recycling" | "sessions") {
  return {
    flag: `--${name} <host:port>`,
    env: `RATATOUILLE_${name.toUpperCase()}`,
    description: `where the service ${name} is`,
    schema: address(),
    default: defaultAddresses[name],
  } as const satisfies Setting;
}
