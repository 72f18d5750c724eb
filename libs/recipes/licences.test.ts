import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import satisfies from "spdx-satisfies";
import { combineLicences, joinLicences, resultLicence, spdxLicence, splitLicences } from "./index.ts";
import { licenceAlternatives } from "./licence-expression.ts";
import { licenceTerms } from "./licence-terms.ts";

const RESULTS: [string, string[][], string][] = [
  ["one licence", [["MIT"], ["MIT"]], "MIT"],
  ["permissive ones all apply", [["MIT"], ["Apache-2.0"], ["CC-BY-4.0"]], "Apache-2.0 AND CC-BY-4.0 AND MIT"],
  ["names of Hugging Face", [["apache-2.0"], ["mit"]], "Apache-2.0 AND MIT"],
  ["share-alike takes permissive ones in", [["CC-BY-SA-4.0"], ["MIT"]], "CC-BY-SA-4.0 AND MIT"],
  ["an older version goes into a newer one", [["CC-BY-SA-3.0"], ["CC-BY-SA-4.0"]], "CC-BY-SA-4.0"],
  ["GPL 2 or later goes into GPL 3", [["GPL-2.0-or-later"], ["GPL-3.0-only"], ["Apache-2.0"]], "Apache-2.0 AND GPL-3.0-only"],
  ["both go into a third", [["CC-BY-SA-4.0"], ["GPL-3.0-or-later"]], "GPL-3.0-only"],
  ["GPL 3 goes into AGPL 3", [["gpl-3.0"], ["agpl-3.0"]], "AGPL-3.0-only"],
  ["non-commercial ones stay so", [["CC-BY-NC-4.0"], ["MIT"]], "CC-BY-NC-4.0 AND MIT"],
  ["non-commercial share-alike takes it in", [["CC-BY-NC-SA-4.0"], ["CC-BY-NC-4.0"]], "CC-BY-NC-4.0 AND CC-BY-NC-SA-4.0"],
  ["terms of their own, once", [["llama3.1"], ["llama3.1"], ["MIT"]], "LicenseRef-llama3.1 AND MIT"],
  ["several for one model", [["MIT AND Apache-2.0"], ["ISC"]], "Apache-2.0 AND ISC AND MIT"],
  ["a choice", [["GPL-2.0-only OR MIT"], ["Apache-2.0"]], "Apache-2.0 AND MIT"],
  ["a choice that needs no parentheses", [["(MIT AND CC-BY-4.0) OR GPL-2.0-only"], ["Apache-2.0"]], "Apache-2.0 AND CC-BY-4.0 AND MIT"],
  [
    "a choice inside of what applies",
    [["MIT AND (GPL-2.0-only OR (ISC AND BSD-3-Clause))"], ["Apache-2.0"]],
    "Apache-2.0 AND BSD-3-Clause AND ISC AND MIT",
  ],
  ["an exception of a permissive one", [["Apache-2.0 WITH LLVM-exception"], ["mit"]], "Apache-2.0 WITH LLVM-exception AND MIT"],
  [
    "an exception that all have",
    [["GPL-2.0-only WITH Classpath-exception-2.0"], ["MIT"]],
    "GPL-2.0-only WITH Classpath-exception-2.0 AND MIT",
  ],
  ["an exception that one has", [["GPL-2.0-only WITH Classpath-exception-2.0"], ["GPL-2.0-only"]], "GPL-2.0-only"],
  ["names of Hugging Face in an expression", [["(llama3.1 OR gemma) AND mit"], ["MIT"]], "LicenseRef-llama3.1 AND MIT"],
];
for (const [name, licences, expected] of RESULTS) {
  test(`a result has a licence: ${name}`, () => assert.equal(resultLicence(licences).licence, expected));
}

const REASONS: [string, string[][], RegExp][] = [
  ["nothing is said", [["MIT"], []], /^b names no licence$/],
  ["it is unknown", [["other"], ["unknown"]], /^a, b name no licence$/],
  ["a part is unknown", [["MIT", "other"]], /^a names a licence that is not known$/],
  ["no derivatives", [["MIT"], ["CC-BY-ND-4.0"]], /CC-BY-ND-4.0 forbids passing on/],
  ["not even alone", [["CC-BY-NC-ND-4.0"], ["CC-BY-NC-ND-4.0"]], /forbids/],
  ["share-alike and non-commercial", [["CC-BY-SA-4.0"], ["CC-BY-NC-4.0"]], /no commercial use, and CC-BY-SA-4.0 no such restriction/],
  ["two that want the whole", [["GPL-2.0-only"], ["GPL-3.0-only"]], /each want the whole/],
  ["patents, whatever the exception", [["GPL-2.0-only WITH Classpath-exception-2.0"], ["Apache-2.0"]], /GPL-2.0-only.* does not accept/],
  ["a part of an expression is unknown", [["MIT AND other"]], /^a names a licence that is not known$/],
  ["something that is no expression", [["MIT AND OR ("], ["MIT"]], /MIT AND OR \( is not known/],
  ["patents", [["GPL-2.0-only"], ["Apache-2.0"]], /GPL-2.0-only does not accept the conditions of Apache-2.0/],
  ["restrictions into share-alike", [["creativeml-openrail-m"], ["GPL-3.0"]], /restricts use in its own terms/],
  ["two kinds of terms", [["llama2"], ["gemma"]], /LicenseRef-gemma and LicenseRef-llama2 have terms of their own/],
  ["nobody knows", [["LicenseRef-mine"], ["MIT"]], /LicenseRef-mine is not known/],
];
for (const [name, licences, expected] of REASONS) {
  test(`a result has no licence: ${name}`, () => {
    const result = resultLicence(licences, ["a", "b"]);
    assert.equal(result.licence, undefined);
    assert.match(result.why!, expected);
  });
}

test("commercial use is out where one model forbids it", () => {
  assert.equal((resultLicence([["CC-BY-NC-4.0"], ["MIT"]]) as { nonCommercial: boolean }).nonCommercial, true);
  assert.equal((resultLicence([["apple-amlr"], ["MIT"]]) as { nonCommercial: boolean }).nonCommercial, true);
  assert.equal((resultLicence([["MIT"]]) as { nonCommercial: boolean }).nonCommercial, false);
});

test("neither the order of the models nor saying a licence twice matters, and a result can go on", () => {
  const ids =
    "MIT Apache-2.0 GPL-2.0-or-later GPL-3.0-only AGPL-3.0-only CC-BY-SA-3.0 CC-BY-SA-4.0 CC-BY-NC-4.0 CC-BY-NC-SA-4.0 llama3 MPL-2.0";
  const licence = fc.constantFrom(...ids.split(" "));
  fc.assert(
    fc.property(fc.array(fc.array(licence, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 4 }), (licences) => {
      const { licence: result } = resultLicence(licences);
      assert.equal(resultLicence([...licences].reverse()).licence, result);
      assert.equal(resultLicence([...licences, ...licences]).licence, result);
      if (result !== undefined) assert.equal(resultLicence([[result]]).licence, result);
    }),
  );
});

test("licences are known by the names of SPDX and of Hugging Face", () => {
  assert.equal(spdxLicence("cc-by-nc-sa-4.0"), "CC-BY-NC-SA-4.0");
  assert.equal(spdxLicence("odbl"), "ODbL-1.0");
  assert.equal(spdxLicence("LicenseRef-Gemma"), "LicenseRef-gemma");
  assert.equal(spdxLicence("My-Own"), "My-Own");
  assert.equal(licenceTerms("constructor"), undefined);
});

const expressions = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("MIT", "Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", "CC-BY-4.0", "ISC"),
    fc.tuple(tie("expression"), fc.constantFrom("AND", "OR"), tie("expression")).map(([a, word, b]) => `(${a} ${word} ${b})`),
  ),
})).expression;

test("every way to comply with an expression satisfies it, as spdx-satisfies has it, and parts that are joined again say the same", () => {
  fc.assert(
    fc.property(expressions, (expression) => {
      for (const way of licenceAlternatives(expression))
        assert.ok(satisfies(way.join(" AND "), [...way]) && satisfies(expression, [...way]), `${way}`);
      const joined = splitLicences(expression);
      for (const way of licenceAlternatives(expression)) assert.ok(satisfies(joinLicences(joined), [...way]), joinLicences(joined));
      assert.deepEqual(splitLicences(joinLicences(joined)), [...new Set(joined)].sort());
    }),
  );
});

test("a model that names no licence leaves that of the whole unknown", () => {
  assert.deepEqual(combineLicences([["Apache-2.0"], []]), ["Apache-2.0", "LicenseRef-unknown"]);
  assert.match(
    resultLicence([combineLicences([["Apache-2.0"], []])], ["base+adapter"]).why!,
    /^base\+adapter names a licence that is not known$/,
  );
  assert.deepEqual(combineLicences([["MIT"], ["Apache-2.0"], ["MIT"]]), ["Apache-2.0", "MIT"]);
});
