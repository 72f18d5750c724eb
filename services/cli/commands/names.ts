/** For the help of commands that take the name of an artifact. */
export const HOW_NAMES_WORK = `

NAME is a digest (sha256:…), at least 8 digits of one, a name such as digits/seed-10/held-out-25, or a tag such as birds:1.0.`;
