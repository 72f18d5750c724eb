export { createDisplay, type Display, type DisplayMode, type DisplayStream, displayMode } from "./display.ts";
