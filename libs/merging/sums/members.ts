import type { ModelFiles } from "#libs/models";
import type { Digest } from "#libs/recipes";
import { SumsError } from "./errors.ts";
import { addToExpansion } from "./expansion.ts";
import type { SumTensor } from "./layout.ts";

/** A model that is added to sums, or taken away again. */
export type SumMember = {
  readonly model: ModelFiles;
  /** Digest of its weights: what it is listed by. */
  readonly digest: Digest;
  /** 0, or of a magnitude from 2^-600 to 2^600: then no product needs more than two doubles. The weight that it was added with to remove it. */
  readonly weight: number;
  /** True to take it away. */
  readonly remove?: boolean;
};

/** A model that is in sums. */
export type ListedMember = { readonly digest: Digest; readonly weight: number };

/** What is in sums: how many members, the exact sum of their weights (expansion.ts), and who they are unless nobody wants the list. */
export type Membership = {
  readonly count: number;
  readonly weight: readonly number[];
  readonly members?: readonly ListedMember[] | undefined;
};

export const nobody: Membership = { count: 0, weight: [], members: [] };

const LARGEST_EXPONENT = 600;

/**
 * The members after these have come and gone.
 * @param list whether to know them by digest; then one cannot come twice, nor go unless it is there.
 * @throws SumsError (member, weight)
 */
export function changeMembers(before: Membership, changes: readonly SumMember[], list: boolean): Membership {
  let { count, weight } = before;
  const listed = list && before.members ? new Map(before.members.map((member) => [member.digest, member])) : undefined;
  changes.forEach(({ digest, weight: given, remove = false, model }, index) => {
    checkWeight(given, model.name, index);
    if (listed) changeList(listed, { digest, weight: given }, remove, model.name, index);
    count += remove ? -1 : 1;
    if (count < 0) throw new SumsError("member", `${model.name} cannot be removed: the sums have no members`, { member: index });
    weight = addToExpansion(weight, remove ? -given : given);
  });
  const members = listed && [...listed.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  return { count, weight, members };
}

function checkWeight(weight: number, name: string, member: number): void {
  const magnitude = Math.abs(weight);
  if (weight === 0 || (magnitude >= 2 ** -LARGEST_EXPONENT && magnitude <= 2 ** LARGEST_EXPONENT)) return;
  const right = `it has to be 0, or between 2^-${LARGEST_EXPONENT} and 2^${LARGEST_EXPONENT} in magnitude`;
  throw new SumsError("weight", `the weight of ${name} is ${weight}; ${right}`, { member });
}

function changeList(listed: Map<Digest, ListedMember>, member: ListedMember, remove: boolean, name: string, index: number): void {
  const known = listed.get(member.digest);
  const say = (why: string) => new SumsError("member", `${name} (${member.digest}) ${why}`, { member: index });
  if (!remove) {
    if (known) throw say("is in the average already");
    listed.set(member.digest, member);
    return;
  }
  if (!known) throw say("is not in the average");
  if (known.weight !== member.weight) throw say(`is in the average with the weight ${known.weight}, not ${member.weight}`);
  listed.delete(member.digest);
}

/** @throws SumsError (layout) naming every tensor of a member that the sums have not, or have otherwise. */
export function checkLayout(layout: readonly SumTensor[], { model }: SumMember, member: number, exclude?: ReadonlySet<string>): void {
  const problems: string[] = [];
  const known = new Set(layout.map(({ name }) => name));
  let first: string | undefined;
  const note = (tensor: string, problem: string) => {
    first ??= tensor;
    problems.push(`tensor ${JSON.stringify(tensor)} ${problem}`);
  };
  for (const { name, dtype, shape } of layout) {
    const place = model.tensors.get(name);
    const [found, wanted] = [place && `${place.dtype} [${place.shape.join(", ")}]`, `${dtype} [${shape.join(", ")}]`];
    if (found === undefined) note(name, "is missing");
    else if (found !== wanted) note(name, `is ${found}, and has to be ${wanted}`);
  }
  for (const name of model.tensors.keys()) if (!known.has(name) && !exclude?.has(name)) note(name, "is in no other member");
  if (problems.length > 0) throw new SumsError("layout", `${model.name} does not fit: ${problems.join("; ")}`, { tensor: first, member });
}
