export { runTrainer } from "./run-trainer.ts";
