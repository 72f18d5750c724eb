import { parseArgs } from "node:util";
import type { Options } from "./bench.ts";
import type { Check } from "./check.ts";
import { forms } from "./data.ts";
import { checks } from "./suite.ts";

export const USAGE = `Usage: npm run test:conformance -- [options] COMMAND...

Puts a trainer through, whatever it is written in: starts a system without trainers, then COMMAND with "--server HOST:PORT" at its end, or the
address in the place of {server}, and in RATATOUILLE_SERVER; gives it jobs of what it announces, disturbs it, and says what it has to do
(docs/trainers.md). RATATOUILLE_CHECKPOINT_MS, RATATOUILLE_CACHE_DIR and TMPDIR say how often it saves, and where it keeps files.

  --network NAME            a network that it announces; by default the smallest that is known
  --data FORM               images or records; by default images where its arithmetic says so
  --steps N                 of a training that has to learn something (60)
  --deterministic           its bytes are the same however it was interrupted
  --without-checkpoints     it saves none
  --kills N                 how often it is killed in the middle of a training (2)
  --start-seconds N         so long it may take to announce itself (60)
  --stop-seconds N          so long it may take to end what is cancelled or lost (10)
  --drain-seconds N         so long it may take from SIGTERM to its end (3)
  --only NAME               one check; may be given again
  --seed N                  of all random moments (1)
  --json                    one JSON object a line, for programs
  --list                    what is checked

Examples:
  npm run test:conformance -- ./ratatouille trainer --device cpu
  npm run test:conformance -- --network my-net ratatouille-trainer my_training.py --network my-net
`;

/** What the command line asks for. */
export type Asked =
  | { readonly action: "help" }
  | { readonly action: "list" }
  | { readonly action: "wrong"; readonly problem: string }
  | { readonly action: "run"; readonly options: Options; readonly chosen: readonly Check[]; readonly json: boolean };

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;
const known = {
  network: text,
  data: text,
  steps: { ...text, default: "60" },
  deterministic: flag,
  "without-checkpoints": flag,
  kills: { ...text, default: "2" },
  "start-seconds": { ...text, default: "60" },
  "stop-seconds": { ...text, default: "10" },
  "drain-seconds": { ...text, default: "3" },
  only: { ...text, multiple: true, default: [] as string[] },
  seed: { ...text, default: "1" },
  json: flag,
  list: flag,
  help: flag,
} as const;

/** Reads the command line. The options of the suite come first: all from the first other word on is the trainer's command. */
export function readCommandLine(args: readonly string[]): Asked {
  const at = commandAt(args);
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args.slice(0, at));
  } catch (error) {
    return { action: "wrong", problem: (error as Error).message };
  }
  if (values.help || values.list) return values.help ? { action: "help" } : { action: "list" };
  const command = args[at] === "--" ? args.slice(at + 1) : args.slice(at);
  const stranger = values.only.find((name) => !checks.some((check) => check.name === name));
  if (stranger !== undefined)
    return { action: "wrong", problem: `there is no check ${stranger}; there are ${checks.map(({ name }) => name).join(", ")}` };
  const form = forms.find((one) => one === values.data);
  if (values.data !== undefined && form === undefined)
    return { action: "wrong", problem: `--data must be ${forms.join(" or ")}, not "${values.data}"` };
  const numbers = ["steps", "kills", "start-seconds", "stop-seconds", "drain-seconds", "seed"] as const;
  const wrong = numbers.find((name) => !/^\d{1,9}$/.test(values[name]) || (Number(values[name]) === 0 && name !== "seed"));
  if (wrong) return { action: "wrong", problem: `--${wrong} must be a whole number above 0, not "${values[wrong]}"` };
  if (command.length === 0) return { action: "wrong", problem: "there is no COMMAND that starts a trainer; --help shows how to name one" };
  const ms = (name: (typeof numbers)[number]) => 1000 * Number(values[name]);
  return {
    action: "run",
    json: values.json,
    chosen: checks.filter(({ name }) => values.only.length === 0 || values.only.includes(name)),
    options: {
      command,
      ...(form === undefined ? {} : { form }),
      ...(values.network === undefined ? {} : { network: values.network }),
      steps: Number(values.steps),
      seed: Number(values.seed),
      deterministic: values.deterministic,
      withoutCheckpoints: values["without-checkpoints"],
      kills: Number(values.kills),
      startMs: ms("start-seconds"),
      stopMs: ms("stop-seconds"),
      drainMs: ms("drain-seconds"),
    },
  };
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: known }).values;
}

/** The place of the first word that is neither an option of the suite nor the value of one. */
function commandAt(args: readonly string[]): number {
  const { tokens } = parseArgs({ args: [...args], options: known, strict: false, tokens: true });
  return tokens.find(({ kind }) => kind !== "option")?.index ?? args.length;
}
