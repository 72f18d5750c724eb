// A process for run-process.test.ts: its first argument says what it does.
import { createLogger } from "#libs/telemetry";
import { exitWhenParentIsGone, runProcess, UsageError, VERSION } from "../index.ts";

const [what] = process.argv.slice(2);

await runProcess(
  async (stack, { signal }): Promise<number> => {
    stack.defer(() => say("outer closed"));
    stack.defer(() => say("inner closed"));
    switch (what) {
      case "serve":
        say(`ready ${VERSION}`);
        await aborted(signal);
        say(`stopping: ${signal.reason.message}`);
        return 0;
      case "work":
        say("ready");
        await aborted(signal);
        throw signal.reason;
      case "deaf":
        say("ready");
        signal.addEventListener("abort", () => say("heard"));
        await new Promise((resolve) => setTimeout(resolve, 60_000));
        return 0;
      case "orphan":
        exitWhenParentIsGone();
        say("ready");
        await aborted(signal);
        return 0;
      case "usage":
        throw new UsageError("there is no such thing");
      case "fail":
        throw new Error("disk on fire");
      case "stray":
        void Promise.reject(new Error("nobody waits for me"));
        await aborted(signal);
        return 0;
      case "write":
        process.stdout.write(`${"x".repeat(1 << 20)}\n`);
        return 0;
      default:
        return 3;
    }
  },
  { service: "life", log: createLogger({ service: "life" }) },
);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {}, 60_000);
    signal.addEventListener("abort", () => {
      clearInterval(timer);
      resolve();
    });
  });
}
