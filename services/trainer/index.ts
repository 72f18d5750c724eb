export { runTrainer } from "./run-trainer.ts";
export { trainerSettings } from "./settings.ts";
