import { hostname } from "node:os";
import * as v from "valibot";
import { userCache } from "#libs/files";
import { address, declareSettings, type Values, wholeNumber } from "#libs/service";
import { memoryClassesMib } from "#libs/topics";
import { device, usableMemoryMib } from "./device.ts";

const text = () => v.string("text");

/** What can be set of a trainer. */
export const trainerSettings = declareSettings({
  server: {
    flag: "--server <host:port>",
    env: "RATATOUILLE_SERVER",
    description: "the system to work for",
    schema: address(),
    required: true,
  },
  catalog: {
    flag: "--catalog <host:port>",
    env: "RATATOUILLE_CATALOG",
    description: "the catalog, where bytes shall not pass through the server",
    schema: address(),
  },
  finetune: {
    flag: "--finetune <host:port>",
    env: "RATATOUILLE_FINETUNE",
    description: "the fine-tune service, likewise",
    schema: address(),
  },
  token: {
    flag: "--token <token>",
    env: "RATATOUILLE_TOKEN",
    description: "bearer token for the server; other users of this machine see flags, so prefer the variable",
    schema: text(),
    secret: true,
  },
  ca: {
    flag: "--ca <file>",
    env: "RATATOUILLE_CA",
    description: "certificate authority of the server (PEM); use TLS",
    schema: text(),
  },
  name: {
    flag: "--name <name>",
    env: "RATATOUILLE_TRAINER_NAME",
    description: "what people see",
    schema: v.pipe(v.string("a name"), v.maxLength(200, "a name of at most 200 characters")),
    default: `${hostname()}-${process.pid}`,
  },
  device: {
    flag: "--device <device>",
    env: "RATATOUILLE_DEVICE",
    description: "cpu or gpu: the engines of one alone; auto: all that are there",
    schema: device(),
    default: "auto",
  },
  memoryMib: {
    flag: "--memory <MiB>",
    env: "RATATOUILLE_MEMORY_MIB",
    description: "MiB that a job may need",
    schema: wholeNumber(memoryClassesMib[0], 2 ** 30),
    default: String(usableMemoryMib()),
  },
  checkpointMs: {
    flag: "--checkpoint-ms <ms>",
    env: "RATATOUILLE_CHECKPOINT_MS",
    description: "training time between checkpoints; more where they would take over 2 % of it",
    schema: wholeNumber(1, 86_400_000),
    default: "5000",
  },
  cacheMib: {
    flag: "--cache <MiB>",
    env: "RATATOUILLE_CACHE_MIB",
    description: "memory for data sets and models that may be needed again",
    schema: wholeNumber(0, 65_536),
    default: "256",
  },
  diskCacheMib: {
    flag: "--disk-cache <MiB>",
    env: "RATATOUILLE_DISK_CACHE_MIB",
    description: "most of the images and models that are kept on the disk, those of a job included",
    schema: wholeNumber(1, 2 ** 30),
    default: "20480",
  },
  cacheDirectory: {
    flag: "--cache-dir <directory>",
    env: "RATATOUILLE_CACHE_DIR",
    description: "where they are kept; a second trainer takes the next one of this name, with a number",
    schema: text(),
    default: userCache("trainer"),
  },
  dataRoot: {
    flag: "--data-root <directory>",
    env: "RATATOUILLE_DATA_ROOT",
    description: "files that are on this machine anyway, such as shards of images: used where they are, once their sha-256 was looked at",
    schema: text(),
  },
  logFile: {
    flag: "--log-file <file>",
    env: "RATATOUILLE_LOG_FILE",
    description: "JSON lines go there, and not to stdout",
    schema: text(),
  },
});

/** What a trainer is told. */
export type TrainerValues = Values<typeof trainerSettings>;
