export { type Block, blocksOf } from "./blocks.ts";
export { type OpenPrediction, openPrediction, PredictionError } from "./open-prediction.ts";
export { encodePrediction, type Prediction, planPrediction } from "./plan-prediction.ts";
