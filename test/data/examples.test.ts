import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseStudyFile } from "#libs/runfile";
import { otherTaggings, partOfSpeech, wordsOf } from "../../examples/data/brown-tags.ts";
import { root } from "../e2e/cli.ts";

const EXAMPLES: [name: string, generator: string, network: string, auxiliaries: string[]][] = [
  ["emoji", "image-shards/1", "tf_efficientnet_lite0", ["emojione", "noto-v1"]],
  ["drawn", "image-shards/1", "resnet18", ["objects"]],
  ["rotated-mnist", "rotated-mnist/1", "mnist-cnn", []],
  ["brown", "records/1", "brown-tagger", ["tense", "number"]],
  ["colored-mnist", "colored-mnist/1", "mnist-cnn", []],
];

for (const [name, generator, network, auxiliaries] of EXAMPLES) {
  test(`examples/${name}.yaml is a run file whose data lie where npm run data puts them`, async () => {
    const path = join(root, "examples", `${name}.yaml`);
    const file = parseStudyFile(await readFile(path, "utf8"), { path });
    assert.equal(file.target.generator, generator);
    assert.ok(file.target.path.startsWith(join(root, "data")));
    assert.equal(file.network.name, network);
    assert.deepEqual(
      file.auxiliaries.map((auxiliary) => auxiliary.name),
      auxiliaries,
    );
  });
}

test("words of the Brown corpus are told apart by their tags", () => {
  const line = "\tThe/at Fulton/np-tl County/nn-tl Jury's/nn$ old/jj judges/nns hadn't/hvd* said/vbn that/cs 1/2/cd he/pps can/md ./. ";
  const words = wordsOf(line);
  const labels = (label: typeof partOfSpeech) => words.map((word, i) => label(word, words[i - 1]) ?? "-").join(" ");
  assert.equal(labels(partOfSpeech), "DET NOUN NOUN NOUN ADJ NOUN - VERB ADP NUM PRON VERB -");
  assert.equal(labels(otherTaggings["tense"]!), "- - - - - - - participle - - - modal -");
  assert.equal(labels(otherTaggings["number"]!), "- name singular singular - plural - - - - - - -");
  assert.equal(labels(otherTaggings["phrases"]!), "begin inside inside inside inside inside - outside outside begin outside outside -");
});
