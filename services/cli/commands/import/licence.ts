import { readLicences } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import { quote } from "#libs/text";

/**
 * The licences of `--licence`, each of which applies.
 * @throws UsageError for a name that is none of SPDX's, of Hugging Face's, or of `LicenseRef-…`
 */
export function licencesOf(expression: string): string[] {
  try {
    return readLicences(expression);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UsageError(`--licence ${quote(expression)}: ${cause.message}`, { cause });
  }
}
