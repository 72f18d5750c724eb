/** Why a file could not be read, without the name of the file, which the sentence around it has. */
export function fileProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "it does not exist";
    case "EISDIR":
      return "it is a directory";
    case "EACCES":
      return "this user may not read it";
    default:
      return message;
  }
}
