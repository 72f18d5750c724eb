import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeIndex,
  encodeIndex,
  type ImageIndex,
  ImageSetError,
  itemOfRow,
  nameOfRow,
  type ShardContent,
  subsetOfIndex,
} from "#libs/image-sets";
import { temporaryDirectory } from "#libs/testing";
import { writeFolder } from "../image-sets/testing/image-folder.ts";
import { checkRecordSet, indexRecords, isRecordFolder, type LabelledRecord, packRecords, readRecordSet } from "./index.ts";

type Packed = { readonly list: readonly (ShardContent & { readonly whole: Uint8Array })[] };

async function* pieces(bytes: Uint8Array, size = 700) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function pack(records: AsyncIterable<LabelledRecord>, options: Parameters<typeof packRecords>[1]): Promise<Packed> {
  const list: Packed["list"][number][] = [];
  for await (const { digest, bytes, content } of packRecords(records, options)) {
    const whole = content.slice();
    list.push({ digest, bytes, whole, content: pieces(whole) });
  }
  return { list };
}

async function* iterate<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

function contentOf(index: ImageIndex, { list }: Packed, row: number): Uint8Array {
  const offset = index.offset[row]!;
  return list[index.shard[row]!]!.whole.subarray(offset, offset + index.bytes[row]!);
}

const folder = {
  "news.jsonl":
    '{"label":"noun","words":["jury"],"item":"s1"}\n\n{"label":"verb","words":["said"],"item":"s2"}\r\n{"words":["the"],"label":"noun","item":3}',
  "fiction.csv": 'label,word,item\nnoun,"sea, blue",s4\nverb,went,s2\n',
  "poems/noun/a.bin": Uint8Array.of(0, 10, 255),
  "poems/verb/deep/b.txt": "runs",
  "source.json": '{"licence":"CC0-1.0","source":"drawn"}',
  "README.md": "hello",
};

test("domains of every form are read, in the order of their names, with their bytes as they are", async () => {
  await using directory = await temporaryDirectory();
  await writeFolder(directory.path, folder);
  const set = await readRecordSet(directory.path);
  assert.deepEqual([set.domains, set.classes, set.withItem], [["fiction", "news", "poems"], ["noun", "verb"], 5]);
  assert.deepEqual(
    set.problems.filter(({ kind }) => kind !== "small-class").map(({ message }) => message),
    ['1 file that is no record was left out: "README.md"'],
  );
  const found: string[] = [];
  for await (const { domain, class: label, name, item, content } of set.records())
    found.push(`${domain} ${label} ${name} ${item} ${Buffer.from(content).toString("latin1")}`);
  assert.deepEqual(found, [
    'fiction noun 2 s4 {"item":"s4","label":"noun","word":"sea, blue"}',
    'fiction verb 3 s2 {"item":"s2","label":"verb","word":"went"}',
    'news noun 1 s1 {"label":"noun","words":["jury"],"item":"s1"}',
    'news verb 3 s2 {"label":"verb","words":["said"],"item":"s2"}',
    'news noun 4 3 {"words":["the"],"label":"noun","item":3}',
    "poems noun a.bin undefined \u0000\n\u00ff",
    "poems verb deep/b.txt undefined runs",
  ]);
  const packed = await pack(set.records(), set);
  const index = decodeIndex(encodeIndex(await indexRecords(iterate(packed.list))));
  assert.deepEqual(
    [index.of, index.count, [...index.domain], [...index.class]],
    ["records", 7, [0, 0, 1, 1, 1, 2, 2], [0, 1, 0, 1, 0, 0, 1]],
  );
  assert.deepEqual(
    [...Array(7).keys()].map((row) => itemOfRow(index, row)),
    ["s4", "s2", "s1", "s2", "3", "a", "b"],
  );
  assert.equal(Buffer.from(contentOf(index, packed, 6)).toString(), "runs");
  assert.deepEqual([subsetOfIndex(index, { domains: ["news"] }).of, await isRecordFolder(directory.path)], ["records", true]);
});

test("whatever the records, the size of shards and of pieces: the index says where each is, and equal records make equal shards", async () => {
  const anyRecord = fc.record({
    domain: fc.constantFrom("a", "b & c"),
    class: fc.constantFrom("x", "y"),
    name: fc.string({ unit: "binary", maxLength: 9 }).map((text) => text.toWellFormed()),
    item: fc.option(fc.string({ unit: "grapheme", minLength: 1, maxLength: 5 }), { nil: undefined }),
    content: fc.uint8Array({ maxLength: 300 }),
  });
  const options = { domains: ["a", "b & c"], classes: ["y", "x"] };
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyRecord, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 500, max: 4000 }),
      async (records, shardBytes) => {
        const packed = await pack(iterate(records), { ...options, shardBytes });
        assert.ok(packed.list.every(({ bytes, whole }) => bytes <= shardBytes && bytes === whole.length));
        const index = await indexRecords(iterate(packed.list));
        assert.equal(index.count, records.length);
        for (const [row, record] of records.entries()) {
          assert.deepEqual([options.domains[index.domain[row]!], options.classes[index.class[row]!]], [record.domain, record.class]);
          assert.equal(nameOfRow(index, row), record.name);
          assert.deepEqual(new Uint8Array(contentOf(index, packed, row)), record.content);
          const sha256 = index.sha256.subarray(32 * row, 32 * row + 32);
          assert.deepEqual(Buffer.from(sha256), createHash("sha256").update(record.content).digest());
        }
        const again = await pack(iterate(records), { ...options, shardBytes });
        assert.deepEqual(
          again.list.map(({ digest }) => digest),
          packed.list.map(({ digest }) => digest),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test("what is wrong with a folder is one sentence that names the file and the line", async () => {
  const line = '{"label":"noun"}\n';
  const cases: readonly (readonly [Readonly<Record<string, string | Uint8Array | number>>, RegExp])[] = [
    [{ "a.jsonl": `${line}{"word":"x"}\n`, "b.jsonl": line }, /a\.jsonl line 2: has no field "label"$/],
    [{ "a.jsonl": `${line}${line}{"label":\n`, "b.jsonl": line }, /a\.jsonl line 3: is no JSON: "?\{\\?"label\\?":/],
    [{ "a.jsonl": '["noun"]\n', "b.jsonl": line }, /a\.jsonl line 1: is .*noun.*: expected a JSON object with a field "label"/],
    [
      { "a.jsonl": '{"label":["x"]}\n', "b.jsonl": line },
      /a\.jsonl line 1: has the label \["x"\]: expected a text of 1 to 1000 characters/,
    ],
    [{ "a.jsonl": Uint8Array.of(0xff, 0xfe, 10), "b.jsonl": line }, /a\.jsonl line 1: is not UTF-8/],
    [{ "a.jsonl": "", "b.jsonl": line }, /there is no record in ".*a\.jsonl": expected DOMAIN\.jsonl, DOMAIN\.csv or domain\/class\/file/],
    [{ "a.csv": "word\nx\n", "b.jsonl": line }, /a\.csv line 1: expected a head with a column label, .* found "word"/],
    [{ "a.csv": "label,word\nnoun\n", "b.jsonl": line }, /a\.csv line 2: expected 2 fields as in the head, found 1/],
    [{ "a.csv": 'label\n"noun\n', "b.jsonl": line }, /a\.csv line 2: a quote is never closed/],
    [{ "a/noun/1.png": 1, "b.jsonl": line }, /1\.png" is an image among records: a data set is of images/],
    [{ "a/noun/1.txt": "", "b.jsonl": line }, /1\.txt" is empty: it has 0 bytes/],
    [{ "a.jsonl": line, "a/noun/1.txt": "x" }, /are one domain, "a": put them into one/],
    [{ "a.jsonl": line, "b.jsonl": '{"label":"nuon"}\n', "classes.txt": "noun\nverb\n" }, /there is no class "nuon"; did you mean noun\?/],
    [{ "README.md": "x" }, /there is no record in .*: expected DOMAIN\.jsonl/],
    [{ "a.jsonl": line, "b.jsonl": line }, /there is one class only, "noun": expected two or more/],
  ];
  for (const [files, expected] of cases) {
    await using directory = await temporaryDirectory();
    await writeFolder(directory.path, files);
    const { problems } = await readRecordSet(directory.path);
    const errors = problems.filter(({ severity }) => severity === "error").map(({ message }) => message);
    assert.ok(
      errors.some((message) => expected.test(message)),
      `${expected}: ${JSON.stringify(errors)}`,
    );
  }
  await assert.rejects(readRecordSet("/nowhere"), { name: "ImageSetError", message: "the folder of records /nowhere does not exist" });
});

test("one domain, a class that a domain lacks, and records that two domains or another folder hold are warnings", async () => {
  await using directory = await temporaryDirectory();
  const [noun, verb] = ['{"label":"noun","word":"a"}\n', '{"label":"verb","word":"b"}\n'];
  await writeFolder(directory.path, { "two/a.jsonl": `${noun}${verb}`, "two/b.jsonl": noun, "one/a.jsonl": `${noun}${verb}` });
  const { usable, problems, records } = await checkRecordSet(directory.join("two"), { against: [directory.join("one")] });
  const said = problems.filter(({ kind }) => kind !== "small-class").map(({ message }) => message.replaceAll(directory.path, ""));
  assert.deepEqual([usable, records], [true, 3]);
  assert.deepEqual(said, [
    'the class "verb" has no record in the domain "b"',
    '1 record of this folder is in several of its domains, such as "a/noun/1" and "b/noun/1": what is learned in one is tested in the other',
    'the folder "/one" holds 2 records of this folder, which has 2 different ones: "a/noun/1" is its "a/noun/1"',
  ]);
  const one = await checkRecordSet(directory.join("one"));
  assert.match(one.problems[0]!.message, /has one domain, "a": nothing can be held out/);
});

test("bytes that are no shard of records are refused", async () => {
  const index = (text: string) =>
    indexRecords(iterate([{ digest: "sha256:0", bytes: text.length, content: pieces(Buffer.from(text)) } as never]));
  const first = '{"classes":["x"],"domains":["a"],"format":"ratatouille-records/1"}\n';
  for (const [text, expected] of [
    ["no shard\n", /shard 0 is no shard of records: .*no shard/],
    [`${first}[3,0,0,"1"]\nab`, /shard 0 is cut short/],
    [`${first}[3,0,0,"1"]\nabcd\n`, /does not end after 3 bytes/],
    [`${first}[3,0,1,"1"]\nabc\n`, /names a domain or a class that is not there/],
    [`${first}[3,0,0]\nabc\n`, /is not what a line of a shard of records has to be/],
  ] as const)
    await assert.rejects(index(text), (error) => error instanceof ImageSetError && expected.test(error.message), text);
});
