import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { columnsOf } from "#libs/text";
import { JobSchema, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type RunSchema, RunState, WatchRunResponseSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { createDisplay, displayMode } from "./index.ts";
import { jsonEvents } from "./json-events.ts";
import { fit, paint, span } from "./line.ts";
import { liveView } from "./live-view.ts";
import { plainLines, silence } from "./plain-lines.ts";
import { advance, jobFacts } from "./progress.ts";

type JobInit = MessageInitShape<typeof JobSchema>;
type Init = {
  run?: MessageInitShape<typeof RunSchema>;
  running?: JobInit[];
  ended?: JobInit[];
  missing?: { what: string; jobs: number }[];
};
const job = { id: "job-1", label: "seed 10 · held out 50° · recycled 3", trainer: "trainer-1" };
const progressOf = { step: 120, steps: 300, stepsPerSecond: 411.6, loss: 0.3124, validationAccuracy: 0.934 };
const message = (init: Init = {}) =>
  create(WatchRunResponseSchema, {
    run: {
      id: "run-1",
      spec: { name: "digits" },
      state: RunState.RUNNING,
      workedMs: 65_000n,
      stages: [
        { name: "data", total: 26, done: 26, cached: 12 },
        { name: "pre-training", total: 2, done: 1, running: 1 },
        { name: "fine-tuning", total: 160, done: 0, running: 1, queued: 12 },
        { name: "evaluation", total: 64 },
      ],
    },
    running: [{ ...job, progress: progressOf }],
    remainingSeconds: 125,
    ...init,
  });
const texts = (init?: Init, size = { columns: 120, rows: 30 }) =>
  liveView(advance(undefined, message(init)), size).map((line) => paint(fit(line, size.columns - 1), false));

test("the live view tells stages, what runs and what is left", () => {
  const lines = texts();
  assert.equal(lines[0], "digits · 27/252 done · 1 min 5 s · about 2 min left");
  assert.match(lines[2]!, /^ {2}✓ data +█+ +26\/26 +12 from the catalog$/);
  assert.match(lines[3]!, /^ {2}● pre-training +█+▒+ +1\/2 +1 running$/);
  assert.match(lines[4]!, /^ {2}● fine-tuning +▒·+ +0\/160 +1 running · 12 queued$/);
  assert.match(lines[5]!, /^ {2}○ evaluation +·+ +0\/64 *$/);
  assert.equal(lines[7], "  trainer-1  seed 10 · held out 50° · recycled 3  step 120/300  412 steps/s  loss 0.312  validation 93.4 %");
});

test("bars keep their length whatever the counts are", () => {
  const count = fc.nat({ max: 50 });
  fc.assert(
    fc.property(count, count, count, count, fc.integer({ min: 60, max: 200 }), (done, failed, running, rest, columns) => {
      const stages = [{ name: "x", total: done + failed + running + rest, done, failed, running }];
      const line = texts({ run: { stages }, running: [] }, { columns, rows: 30 })[2]!;
      const bar = [...line].filter((character) => "█▒·".includes(character) && character !== " ").join("");
      assert.ok(/^█*▒*·*/.exec(bar)![0].length >= Math.max(6, Math.min(32, columns - 45)), line);
    }),
  );
});

test("the end of a run is said in its head", () => {
  assert.match(texts({ run: { spec: { name: "digits" }, state: RunState.SUCCEEDED } })[0]!, /^digits · finished · 0\/0 done/);
  assert.equal(texts({ run: { spec: { name: "digits" }, state: RunState.FAILED, error: "no disk" } })[0], "digits · failed: no disk");
  assert.match(texts({ run: { spec: { name: "digits" }, state: RunState.CANCELLED } })[0]!, /^digits · cancelled/);
});

test("the picture fits the terminal, whatever its size", () => {
  const running = Array.from({ length: 40 }, (_, i) => ({
    ...job,
    id: String(i),
    label: `${"長い名前".repeat(i)} ${i}`,
    progress: progressOf,
  }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 60 }), (columns, rows) => {
      const lines = texts({ running }, { columns, rows });
      assert.ok(lines.length <= Math.max(1, rows - 1), `${lines.length} lines in ${rows} rows`);
      for (const line of lines) assert.ok(columnsOf(line) <= Math.max(0, columns - 1), line);
    }),
  );
});

test("running jobs that have no room are counted", () => {
  const running = Array.from({ length: 8 }, (_, i) => ({ ...job, id: String(i) }));
  const lines = texts({ running }, { columns: 100, rows: 12 });
  assert.equal(lines.length, 11);
  assert.equal(lines.at(-1), "  and 5 more");
});

test("names of others cannot move the cursor", () => {
  const lines = texts({ running: [{ ...job, label: "a\x1b[2Jb\r\nc" }] });
  assert.ok(lines.some((line) => line.includes("a[2Jbc")));
});

test("the name comes with the first message and stays", () => {
  const first = advance(undefined, message());
  const later = advance(first, message({ run: { id: "run-1", state: RunState.RUNNING, stages: [] } }));
  assert.equal(later.name, "digits");
  assert.equal(later.workedMs, 65_000);
});

test("plain lines tell changes of stages at once, and progress every five seconds", () => {
  let progress = advance(undefined, message());
  let next = plainLines(silence, progress, 0);
  assert.deepEqual(next.lines, [
    "digits (run-1): 252 jobs, 12 already in the catalog",
    "data: 26 of 26 done",
    "pre-training: 2 jobs",
    "fine-tuning: 160 jobs",
  ]);
  next = plainLines(next.said, progress, 4999);
  assert.deepEqual(next.lines, []);
  next = plainLines(next.said, progress, 5000);
  assert.deepEqual(next.lines, [
    "pre-training 1/2 (1 running, 0 queued); fine-tuning 0/160 (1 running, 12 queued); seed 10 · held out 50° · recycled 3: step 120/300 412 steps/s loss 0.312 validation 93.4 %; about 2 min left",
  ]);
  next = plainLines(next.said, progress, 9999);
  assert.deepEqual(next.lines, []);
  progress = advance(
    progress,
    message({
      run: { stages: [{ name: "pre-training", total: 2, done: 2 }] },
      ended: [{ ...job, state: JobState.FAILED, error: "loss is NaN at step 3" }],
    }),
  );
  next = plainLines(next.said, progress, 10_001);
  assert.deepEqual(next.lines, ["failed: seed 10 · held out 50° · recycled 3: loss is NaN at step 3", "pre-training: 2 of 2 done"]);
  progress = advance(progress, message({ run: { state: RunState.SUCCEEDED, stages: [{ name: "pre-training", total: 2, done: 2 }] } }));
  next = plainLines(next.said, progress, 10_002);
  assert.deepEqual(next.lines, ["finished: 2 of 2 jobs done"]);
  assert.deepEqual(plainLines(next.said, progress, 99_999).lines, []);
});

test("while nothing of a run goes on a plain line says how far it is", () => {
  const stages = [
    { name: "data", total: 2, done: 2 },
    { name: "fine-tuning", total: 3, queued: 1 },
  ];
  const waiting = advance(undefined, create(WatchRunResponseSchema, { run: { id: "run-1", state: RunState.RUNNING, stages } }));
  const { said } = plainLines(silence, waiting, 0);
  assert.deepEqual(plainLines(said, waiting, 5000).lines, ["waiting: 2 of 5 jobs done"]);
  const begun = advance(waiting, create(WatchRunResponseSchema, { running: [{ label: "soup 0" }] }));
  assert.deepEqual(plainLines(said, begun, 5000).lines, ["soup 0"]);
});

test("the longer a run goes on, the rarer are plain lines of its progress, down to one a minute", () => {
  const progress = advance(undefined, message());
  const told: number[] = [];
  let said = plainLines(silence, progress, 0).said;
  for (let second = 1; second <= 7200; second += 1) {
    const next = plainLines(said, progress, 1000 * second);
    if (next.lines.length > 0) told.push(second);
    said = next.said;
  }
  assert.deepEqual(told.slice(0, 3), [5, 10, 15]);
  assert.equal(told.at(-1)! - told.at(-2)!, 60);
  assert.ok(told.length < 300, `${told.length} lines in two hours`);
});

test("speed has two digits, and slow steps say how long one takes", () => {
  const facts = (stepsPerSecond: number) => jobFacts(create(JobSchema, { ...job, progress: { ...progressOf, stepsPerSecond } }))[1];
  assert.deepEqual([412.4, 10, 9.94, 1, 0.3, 0.05].map(facts), [
    "412 steps/s",
    "10 steps/s",
    "9.9 steps/s",
    "1.0 steps/s",
    "3.3 s/step",
    "20 s/step",
  ]);
});

test("what no trainer has is in the picture, and in the events of programs", () => {
  const what = "no trainer has the network resnet18";
  const missing = [
    { what, jobs: 12 },
    { what: "no trainer with a GPU of 40 GiB", jobs: 1 },
  ];
  const lines = texts({ missing });
  assert.deepEqual(lines.slice(7, 9), [`  ! 12 jobs wait: ${what}`, "  ! 1 job waits: no trainer with a GPU of 40 GiB"]);
  const [progress] = jsonEvents(advance(undefined, message({ missing })));
  assert.deepEqual(JSON.parse(progress!).missing, missing);
});

test("a run that was finished before says so in two lines and the stages", () => {
  const run = { id: "run-1", spec: { name: "x" }, state: RunState.SUCCEEDED, stages: [{ name: "data", total: 3, done: 3, cached: 3 }] };
  const { lines } = plainLines(silence, advance(undefined, message({ run, running: [] })), 0);
  assert.deepEqual(lines, ["x (run-1): 3 jobs, 3 already in the catalog", "data: 3 of 3 done", "finished: 3 of 3 jobs done"]);
});

test("JSON events are one object each, with the state in words and no NaN", () => {
  const ended = [{ ...job, state: JobState.SUCCEEDED, artifact: "sha256:1" }];
  const events = jsonEvents(advance(undefined, message({ ended, running: [{ ...job, progress: { ...progressOf, loss: Number.NaN } }] })));
  assert.deepEqual(JSON.parse(events[0]!), {
    event: "job",
    run: "run-1",
    job: "job-1",
    label: job.label,
    state: "succeeded",
    trainer: "trainer-1",
    artifact: "sha256:1",
  });
  const progress = JSON.parse(events[1]!);
  assert.equal(progress.state, "running");
  assert.equal(progress.running[0].loss, null);
  assert.equal(progress.running[0].validationAccuracy, 0.934);
  assert.equal(progress.stages.length, 4);
  assert.ok(events.every((event) => !event.includes("\n")));
});

test("cutting a line counts columns, not characters", () => {
  const cut = (text: string, columns: number) => paint(fit([span(text)], columns), false);
  assert.equal(cut("abcdef", 6), "abcdef");
  assert.equal(cut("abcdef", 5), "abcd…");
  assert.equal(cut("日本語", 5), "日本…");
  assert.equal(cut("日本語", 4), "日…");
  assert.equal(cut("abc", 0), "");
  assert.equal(paint([span("a", "red")], true), "\x1b[31ma\x1b[0m");
});

/** A stream that keeps what is written. */
function memory(options: { isTTY?: boolean; columns?: number; rows?: number; colours?: boolean } = {}) {
  const written: string[] = [];
  return { ...options, written, write: (text: string) => written.push(text), hasColors: () => options.colours ?? false };
}

test("the mode follows options, then the stream", () => {
  assert.equal(displayMode(memory({ isTTY: true }), {}), "live");
  assert.equal(displayMode(memory(), {}), "plain");
  assert.equal(displayMode(memory({ isTTY: true }), { json: true, quiet: true }), "json");
  assert.equal(displayMode(memory({ isTTY: true }), { quiet: true }), "quiet");
});

test("a live display redraws in place and gives the cursor back once", () => {
  const stream = memory({ isTTY: true, columns: 100, rows: 30 });
  const display = createDisplay(stream, "live", { now: () => 1_065_000 });
  assert.equal(stream.written[0], "\x1b[?25lstarting");
  display.update(message());
  assert.ok(stream.written[1]!.startsWith("\r\x1b[Jdigits · "), stream.written[1]);
  const lines = stream.written[1]!.split("\n").length;
  display.update(message());
  assert.ok(stream.written[2]!.startsWith(`\r\x1b[${lines - 1}A\x1b[Jdigits`));
  display.close();
  display.close();
  display.update(message());
  assert.deepEqual(stream.written.slice(3), ["\n\n\x1b[?25h"]);
});

test("a terminal that became narrower is cleared from the first row of what it wrapped", () => {
  const stream = memory({ isTTY: true, columns: 100, rows: 30 });
  using display = createDisplay(stream, "live", { now: () => 1_065_000 });
  display.update(message());
  const widths = stream.written[1]!.replace("\r\x1b[J", "").split("\n").map(columnsOf);
  stream.columns = 50;
  display.update(message());
  const rows = widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / 50)), 0);
  assert.ok(rows > widths.length);
  assert.ok(stream.written[2]!.startsWith(`\r\x1b[${rows - 1}A\x1b[J`));
});

test("colours are used only where the stream has them", () => {
  for (const colours of [true, false]) {
    const stream = memory({ isTTY: true, columns: 100, rows: 30, colours });
    using display = createDisplay(stream, "live");
    display.update(message());
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
    assert.equal(/\x1b\[3\dm/.test(stream.written.join("")), colours);
  }
});

test("without a terminal there are no escape sequences, and quiet says nothing", () => {
  for (const mode of ["plain", "json", "quiet"] as const) {
    const stream = memory();
    using display = createDisplay(stream, mode);
    display.update(message());
    assert.ok(!stream.written.join("").includes("\x1b"));
    assert.equal(stream.written.length === 0, mode === "quiet");
    assert.ok(stream.written.every((text) => text.endsWith("\n")));
  }
});
