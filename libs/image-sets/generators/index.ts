export { coloredMnist, type Digits, type DrawnImages, readDigits, rotatedMnist } from "./mnist.ts";
export { type Grey, rotate } from "./rotate.ts";
