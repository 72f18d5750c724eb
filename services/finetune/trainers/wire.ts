import type { MessageInitShape } from "@bufbuild/protobuf";
import { invalidArgument, invalidField, notFound, parseText, type RpcError } from "#libs/rpc";
import { fewLines, quote } from "#libs/text";
import { type Device, devices, isEngineName } from "#libs/topics";
import type { JobSchema, Trainer, TrainerSchema } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Present, PresentEngine, PresentTrainer } from "./presence.ts";

const LONGEST_ID = 100;
const LONGEST_NAME = 200;
const MOST_ENTRIES = 50;
const LONGEST_VALUE = 500;
/** Each makes a queue for each class of memory. */
const MOST_ENGINES = 20;
/** Of an engine the arithmetics, and the networks. */
const MOST_LISTED = 2000;

/** What a trainer says of itself. @throws RpcError INVALID_ARGUMENT naming the field */
export function parseTrainer(trainer: Trainer | undefined): PresentTrainer {
  if (!trainer) throw invalidField("trainer", "is missing");
  const { id, name, device, accelerator, engines, kinds, memoryMib, environment } = trainer;
  const model = accelerator && parseText("trainer.accelerator.model", accelerator.model, LONGEST_NAME);
  if (engines.length === 0) throw invalidField("trainer.engines", "a trainer has at least one");
  if (engines.length > MOST_ENGINES) throw invalidField("trainer.engines", `expected at most ${MOST_ENGINES}, got ${engines.length}`);
  return {
    id: parseText("trainer.id", id, LONGEST_ID),
    name: parseText("trainer.name", name, LONGEST_NAME),
    device: parseDevice("trainer.device", device),
    ...(accelerator && model !== undefined ? { accelerator: { model, memoryMib: accelerator.memoryMib } } : {}),
    engines: engines.map((engine, i): PresentEngine => {
      const field = `trainer.engines[${i}]`;
      return {
        name: parseEngineName(`${field}.name`, engine.name),
        device: parseDevice(`${field}.device`, engine.device),
        arithmetics: parseNames(`${field}.arithmetics`, engine.arithmetics),
        networks: parseNames(`${field}.networks`, engine.networks),
        builtInNetworks: engine.builtInNetworks,
      };
    }),
    kinds: parseNames("trainer.kinds", kinds),
    memoryMib,
    environment: parseEnvironment("trainer.environment", environment),
  };
}

/** What an attempt runs on. @throws RpcError INVALID_ARGUMENT naming the field */
export function parseEnvironment(field: string, environment: { readonly [name: string]: string }): { [name: string]: string } {
  const entries = Object.entries(environment);
  if (entries.length > MOST_ENTRIES) throw invalidField(field, `expected at most ${MOST_ENTRIES} entries, got ${entries.length}`);
  return Object.fromEntries(
    entries.map(([name, value]) => [
      parseText(field, name, LONGEST_ID),
      parseText(`${field}[${JSON.stringify(name)}]`, value, LONGEST_VALUE),
    ]),
  );
}

function parseEngineName(field: string, name: string): string {
  if (!isEngineName(name)) throw invalidField(field, `expected lower-case letters, digits and "-", at most 64, got ${quote(name)}`);
  return name;
}

function parseDevice(field: string, device: string): Device {
  if (!devices.includes(device as Device)) throw invalidField(field, `expected ${devices.join(" or ")}, got ${quote(device)}`);
  return device as Device;
}

function parseNames(field: string, names: readonly string[]): string[] {
  checkLength(field, names);
  return names.map((name, i) => parseText(`${field}[${i}]`, name, LONGEST_NAME));
}

function checkLength(field: string, listed: readonly unknown[]): void {
  if (listed.length > MOST_LISTED) throw invalidField(field, `expected at most ${MOST_LISTED}, got ${listed.length}`);
}

/** The one trainer with an id, or with a name. @throws RpcError NOT_FOUND (TRAINER_UNKNOWN), INVALID_ARGUMENT (TRAINER_AMBIGUOUS) */
export function trainerNamed<T extends PresentTrainer>(trainers: readonly T[], name: string): T {
  const own = trainers.find(({ id }) => id === name);
  const [first, ...others] = trainers.filter((trainer) => trainer.name === name);
  const found = own ?? first;
  if (!found) throw notFound(`there is no trainer ${quote(name)}`, { reason: "TRAINER_UNKNOWN" });
  if (!own && others.length > 0) throw ambiguous(name, [found, ...others]);
  return found;
}

function ambiguous(name: string, trainers: readonly PresentTrainer[]): RpcError {
  const ids = fewLines(trainers.map(({ id }) => id)).join(", ");
  const description = `${trainers.length} trainers have the name ${quote(name)}; name one by its id: ${ids}`;
  return invalidArgument(description, { reason: "TRAINER_AMBIGUOUS", violations: [{ field: "name", description }] });
}

/** A trainer as others see it. */
export function toTrainer(
  { engines, sinceMs, ...same }: Present,
  jobs: readonly MessageInitShape<typeof JobSchema>[],
): MessageInitShape<typeof TrainerSchema> {
  return {
    ...same,
    engines: engines.map(({ arithmetics, networks, ...engine }) => ({ ...engine, arithmetics: [...arithmetics], networks: [...networks] })),
    kinds: [...same.kinds],
    sinceMs: BigInt(sinceMs),
    jobs: [...jobs],
  };
}
