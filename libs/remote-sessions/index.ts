export { bytesContent, type Content, fileContent } from "./content.ts";
export { type Contributed, type Contribution, contribute, type SendOptions, type SessionAccess } from "./contribute.ts";
export { createSender, type Sender } from "./sender.ts";
