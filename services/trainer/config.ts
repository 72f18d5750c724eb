import * as v from "valibot";
import { address, readConfig, wholeNumber } from "#libs/service";

const schema = v.object({
  /** Where catalog, finetune and bus are served. */
  RATATOUILLE_SERVER: address(),
  RATATOUILLE_TOKEN: v.optional(v.string()),
  /** A name for people. */
  RATATOUILLE_TRAINER_NAME: v.optional(v.string(), "trainer"),
  /** The work queue to take jobs from. */
  RATATOUILLE_DEVICE: v.optional(v.string(), "cpu"),
  /** Time of training between checkpoints, in milliseconds. */
  RATATOUILLE_CHECKPOINT_MS: v.optional(wholeNumber(1, 86_400_000), "5000"),
  /** Memory for data sets and models that may be needed again, in MiB. */
  RATATOUILLE_CACHE_MIB: v.optional(wholeNumber(0, 65_536), "256"),
  /** Where log lines go; stdout if not set. */
  RATATOUILLE_LOG_FILE: v.optional(v.string()),
});

export type TrainerConfig = {
  readonly server: string;
  readonly token: string | undefined;
  readonly name: string;
  readonly device: string;
  readonly checkpointMs: number;
  readonly cacheBytes: number;
  readonly logFile: string | undefined;
};

/** The configuration from the environment. @throws ConfigError with every wrong variable */
export function readTrainerConfig(env?: Readonly<Record<string, string | undefined>>): TrainerConfig {
  const values = readConfig(schema, env);
  return {
    server: values.RATATOUILLE_SERVER,
    token: values.RATATOUILLE_TOKEN,
    name: values.RATATOUILLE_TRAINER_NAME,
    device: values.RATATOUILLE_DEVICE,
    checkpointMs: values.RATATOUILLE_CHECKPOINT_MS,
    cacheBytes: values.RATATOUILLE_CACHE_MIB * 2 ** 20,
    logFile: values.RATATOUILLE_LOG_FILE,
  };
}
