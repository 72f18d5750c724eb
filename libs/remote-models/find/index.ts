/** What runs anywhere, in browsers, too: the rest of `#libs/remote-models` needs files. */
export { findArtifact } from "../find-artifact.ts";
