import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseWritten, textOfWritten, valueOfWritten, type WrittenObject, writtenNumber } from "./written-json.ts";

// Llama 3.1's and Mamba-2's configurations, as json.dumps of Python 3 writes them.
const TEXT = `{
  "attention_dropout": 0.0,
  "big": 9007199254740993,
  "long": 1000000000000000019884624838656,
  "rms_norm_eps": 1e-05,
  "rope_scaling": {
    "factor": 8.0
  },
  "time_step_limit": [
    0.0,
    Infinity,
    -Infinity,
    NaN
  ],
  "words": "1.0, NaN and \\"2.0\\""
}
`;

test("numbers stay as they are written, and change only where somebody changes them", () => {
  assert.equal(textOfWritten(parseWritten(TEXT)), TEXT);
  const changed = { ...(parseWritten(TEXT) as WrittenObject), big: writtenNumber(12), extra: "4.0" };
  assert.equal(textOfWritten(changed), TEXT.replace("9007199254740993", "12").replace("\n}\n", ',\n  "extra": "4.0"\n}\n'));
  assert.deepEqual(valueOfWritten(parseWritten('[4.0, -0.0, 1e400, "4.0", true, null]')), [
    4,
    -0,
    Number.POSITIVE_INFINITY,
    "4.0",
    true,
    null,
  ]);
});

test("what JSON.parse reads is read so, whatever the strings hold, and written so that it is the same again", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom("", "\0n1", "\0s", '"\0n2'), (json, mark) => {
      const text = JSON.stringify({ json, [mark]: mark, list: [mark] });
      assert.deepEqual(valueOfWritten(parseWritten(text)), JSON.parse(text));
      assert.deepEqual(JSON.parse(textOfWritten(parseWritten(text))), JSON.parse(text));
    }),
  );
});

test("what is no JSON is refused", () => {
  for (const text of ["", "{", "[01]", "[1.]", "[.5]", "[--1]", "[1 2]", "[-]", "{'a': 1}", "[Infinit]", '["\n"]'])
    assert.throws(() => parseWritten(text), SyntaxError, text);
});
