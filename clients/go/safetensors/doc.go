// Package safetensors reads and writes files of tensors by name, as https://github.com/huggingface/safetensors describes them: eight bytes with
// the length of the header, the header as JSON, and the numbers, little-endian.
//
// The reader is strict: a file that another reader might understand in another way is an error. Every byte belongs to one tensor, no name
// comes twice, and shapes fit the bytes.
package safetensors
