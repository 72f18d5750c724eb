export { createDisplay, type Display, type DisplayMode, type DisplayStream, displayMode } from "./display.ts";
export { missingSentence } from "./progress.ts";
