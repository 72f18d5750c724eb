import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "#libs/testing";
import { createProgress, type Progress } from "./progress.ts";

const step = (number: number) => ({ step: number, loss: 1, checkpoint: () => assert.fail("no checkpoint was asked for") });

test("steps of the head alone count, and a validation is told until the step that it belongs to", async () => {
  const progress = createProgress(60_000);
  progress.begin({ kind: "train", inputs: {}, parameters: { steps: 20, headOnlySteps: 3 } });
  const reports = progress.reports();
  const next = async (): Promise<Progress> => (await reports.next()).value ?? assert.fail("the reports have ended");
  assert.deepEqual(await next(), { step: 0, steps: 23, stepsPerSecond: 0, loss: 0 });
  progress.onStep(step(1));
  let told: Progress | undefined;
  void next().then((report) => {
    told = report;
  });
  // Nothing is told more often than twice a second.
  await waitFor(
    () => {
      progress.onValidating(0.25);
      return told;
    },
    { what: "a report of the validation" },
  );
  assert.deepEqual(told, { step: 1, steps: 23, stepsPerSecond: 0, loss: 0, validating: 0.25 });
  progress.onStep({ ...step(2), bestAccuracy: 0.5 });
  const { stepsPerSecond, ...after } = await next();
  assert.deepEqual(after, { step: 2, steps: 23, loss: 1, validationAccuracy: 0.5 });
  assert.ok(stepsPerSecond > 0);
});

test("a prediction tells its rows: how many there are once that is known, and the last of them at once", async () => {
  const progress = createProgress(60_000);
  progress.begin({ kind: "predict", inputs: {}, parameters: {} });
  const reports = progress.reports();
  assert.deepEqual((await reports.next()).value, { step: 0, steps: 0, unit: "rows", stepsPerSecond: 0, loss: 0 });
  progress.onRows(64, 100);
  progress.onRows(100, 100);
  const { stepsPerSecond, ...last } = (await reports.next()).value ?? assert.fail("the reports have ended");
  assert.deepEqual(last, { step: 100, steps: 100, unit: "rows", loss: 0 });
  assert.ok(stepsPerSecond > 0);
});
