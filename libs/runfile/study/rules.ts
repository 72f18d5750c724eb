import { FIXED_PRESETS } from "#libs/images";
import { networkNames } from "#libs/networks";
import { advice, at, quoted, report, type Source, wrong } from "../field.ts";
import type { Partly } from "../partly.ts";
import type { WrittenStudy } from "./schema.ts";

const pictureKeys = ["images", "records", "rotated-mnist", "colored-mnist"] as const;
type Pictures = { readonly [K in (typeof pictureKeys)[number]]?: string | null | undefined };

/** Initialisations that are not auxiliaries. */
export const reservedNames: readonly string[] = ["foundation", "fused"];

/** Records mistakes that more than one value makes together, as far as those values are right by themselves. */
export function checkStudyRules(file: Partly<WrittenStudy>, source: Source): void {
  const { target, foundation, auxiliaries = [] } = file;
  if (target && picturesIn(target).length !== 1) wrong(at(source, "target"), `must have one of ${quoted(pictureKeys)}`);
  checkHeldOut(file, source);
  if (foundation) checkFoundation(foundation, source);
  for (const [i, auxiliary] of auxiliaries.entries()) checkAuxiliary(auxiliary, i, source);
  checkRecords(file, source);
  if (file.methods?.includes("recycling") === false) wrong(at(source, "methods"), "must have `recycling` among them");
  for (const key of ["fine-tuning", "probe"] as const) {
    const { steps, "validate-every": every } = file[key] ?? {};
    if (steps && every && every > steps)
      wrong(at(source, key, "validate-every"), `must be at most \`steps\` (${steps}), or no checkpoint is ever chosen`);
  }
  const validation = file.transform?.validation;
  if (validation && !FIXED_PRESETS.includes(validation))
    wrong(at(source, "transform", "validation"), `must be one of ${quoted(FIXED_PRESETS)}: \`${validation}\` draws at random`);
  const { barriers, curves } = file.curves ?? {};
  if (barriers !== undefined && curves !== undefined && curves > barriers)
    wrong(at(source, "curves", "curves"), `must be at most \`barriers\` (${barriers}): a curve is the whole way of such a pair`);
}

function checkHeldOut({ target, "held-out": heldOut }: Partly<WrittenStudy>, source: Source): void {
  if (!target || heldOut === undefined) return;
  const field = { ...at(source, "held-out"), name: "held-out" };
  if (heldOut === "none" && !target.test)
    wrong(field, "is `none`: then `target` needs `test`, the name of the domain that results are measured on and nothing is trained on");
  if (heldOut !== "none" && target.test)
    wrong(
      { ...at(source, "target", "test"), name: "test" },
      "is for `held-out: none`: domains that are held out are what results are measured on",
    );
}

function checkFoundation(foundation: Partly<WrittenStudy["foundation"]>, source: Source): void {
  const { network, head, weights, hidden } = foundation;
  const pictures = picturesIn(foundation);
  if (network && !head && !networkNames().includes(network))
    report(
      at(source, "foundation", "network"),
      (line) =>
        `unknown network \`${network}\` ${line}: ${advice(network, networkNames())} One that only a trainer knows needs \`head\`, the names of the tensors of its last layer`,
    );
  if (network && head && networkNames().includes(network))
    wrong(at(source, "foundation", "head"), `is for networks that only a trainer knows; the head of ${network} is known`);
  if (hidden && network !== "mlp") wrong(at(source, "foundation", "hidden"), "is for `mlp`");
  if (pictures.length > 1 || (pictures.length === 1 && weights))
    wrong(at(source, "foundation"), `must have at most one of ${quoted(["weights", ...pictureKeys])}`);
}

/** Records have no pixels, and no network here is for them. */
function checkRecords({ target, foundation, auxiliaries = [], transform }: Partly<WrittenStudy>, source: Source): void {
  if (!target) return;
  const kinds = (written: Pictures) => picturesIn(written).map((key) => (key === "records" ? "records" : "images"));
  const [kind] = kinds(target);
  const others = [
    ...(foundation ? [{ place: ["foundation"], written: foundation }] : []),
    ...auxiliaries.map((written, i) => ({ place: ["auxiliaries", i], written: typeof written === "object" ? (written as Pictures) : {} })),
  ];
  for (const { place, written } of others)
    for (const other of kinds(written))
      if (kind !== undefined && other !== kind)
        wrong({ ...at(source, ...place), name: String(place[0]) }, `is of ${other}, and \`target\` is of ${kind}: a run is of one of both`);
  if (kind !== "records") return;
  if (transform) wrong(at(source, "transform"), "is for images: what records become, their trainer decides");
  for (const key of ["channels", "size"] as const)
    if (foundation?.[key]) wrong(at(source, "foundation", key), "is for images: what records become, their trainer decides");
  const { network } = foundation ?? {};
  if (network && networkNames().includes(network))
    wrong(
      at(source, "foundation", "network"),
      `is \`${network}\`, which is for images: records need a network that a trainer of yours knows, by a name of its own`,
    );
}

function checkAuxiliary(auxiliary: Partly<WrittenStudy["auxiliaries"][number]>, i: number, source: Source): void {
  if (typeof auxiliary !== "object" || auxiliary === null) return;
  const { weights, path, models } = auxiliary as Partly<Exclude<WrittenStudy["auxiliaries"][number], string>>;
  const given = [...picturesIn(auxiliary as Pictures), ...(weights ? ["weights"] : []), ...(path ? ["path"] : [])];
  if (given.length !== 1)
    wrong({ ...at(source, "auxiliaries", i), name: "auxiliaries" }, `must have one of ${quoted(["path", "weights", ...pictureKeys])}`);
  if (weights && models) wrong(at(source, "auxiliaries", i, "models"), "counts fine-tunings that are made of images; `weights` are ready");
}

function picturesIn(written: Pictures): string[] {
  return pictureKeys.filter((key) => typeof written[key] === "string");
}
