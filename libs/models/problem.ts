/** Why a file could not be read, without its name. */
export function problem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") return "it does not exist";
  if (code === "EACCES") return "this user may not read it";
  if (code === "EISDIR") return "it is a directory";
  return message;
}
