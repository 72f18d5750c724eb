import { NotWritableError, requireWritable } from "#libs/files";
import { UsageError } from "#libs/service/process";

/** Refuses a folder, named with `--out`, in which nobody could write: before the work, not after it. @throws UsageError */
export async function requireWritableFolder(out: string): Promise<void> {
  try {
    await requireWritable(out, "directory");
  } catch (cause) {
    if (cause instanceof NotWritableError) throw new UsageError(`${cause.message}; name another place with --out`, { cause });
    throw cause;
  }
}
