import type { Finding } from "#libs/merging";

/** More lines than these nobody reads in a terminal. */
const MOST_LINES = 10;

/** What of findings is shown: every sentence, and of their tensors so many that all together are ten lines or few more. */
export function shownOf<F extends Finding>(findings: readonly F[]): (F & { readonly more: number })[] {
  const listed = findings.filter(({ tensors }) => tensors.length > 0);
  let left = Math.max(listed.length, MOST_LINES - findings.length);
  let waiting = listed.length;
  return findings.map((finding) => {
    if (finding.tensors.length === 0) return { ...finding, more: 0 };
    const share = Math.max(1, Math.floor(left / waiting));
    waiting -= 1;
    const shown = finding.tensors.slice(0, share);
    left -= shown.length;
    return { ...finding, tensors: shown, more: finding.tensors.length - shown.length };
  });
}
