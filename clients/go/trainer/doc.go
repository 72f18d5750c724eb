// Package trainer serves the runs of a ratatouille system with training code of one's own: two functions are enough.
//
//	func main() {
//		trainer.Main(fineTune, predict, trainer.Networks("my-net"))
//	}
//
// The package takes jobs, keeps leases, brings inputs and verifies them, saves checkpoints, looks at results before they leave and sends them;
// [Training] and [Prediction] are what the functions get. It keeps the contract of docs/trainers.md: `npm run test:conformance -- PROGRAM`.
package trainer
