package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Write writes tensors as a file, the widest types first and by name among them, as the reference library does: equal tensors and metadata
// make equal bytes.
func Write(writer io.Writer, tensors map[string]Tensor, metadata map[string]string) error {
	names := make([]string, 0, len(tensors))
	for name, tensor := range tensors {
		if name == metadataKey || !utf8.ValidString(name) {
			return fmt.Errorf("safetensors: %q cannot be the name of a tensor", name)
		}
		if err := tensor.check(); err != nil {
			return fmt.Errorf("safetensors: %q: %w", name, err)
		}
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if wide := slices.Index(order, tensors[b].DType) - slices.Index(order, tensors[a].DType); wide != 0 {
			return wide
		}
		return strings.Compare(a, b)
	})
	header, err := headerOf(names, tensors, metadata)
	if err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	if _, err := writer.Write(header); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := writer.Write(tensors[name].Data); err != nil {
			return err
		}
	}
	return nil
}

// Bytes is the file that [Write] writes.
func Bytes(tensors map[string]Tensor, metadata map[string]string) ([]byte, error) {
	var file bytes.Buffer
	err := Write(&file, tensors, metadata)
	return file.Bytes(), err
}

func headerOf(names []string, tensors map[string]Tensor, metadata map[string]string) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	member := func(name string, value any) error {
		for _, part := range []any{name, value} {
			if err := encoder.Encode(part); err != nil {
				return err
			}
			text.Truncate(text.Len() - 1) // the encoder ends with a line break
			text.WriteByte(':')
		}
		text.Bytes()[text.Len()-1] = ','
		return nil
	}
	text.WriteByte('{')
	if len(metadata) > 0 {
		if err := member(metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	offset := int64(0)
	for _, name := range names {
		tensor := tensors[name]
		end := offset + int64(len(tensor.Data))
		shape := append([]int64{}, tensor.Shape...)
		entry := struct {
			DType   DType    `json:"dtype"`
			Shape   []int64  `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{tensor.DType, shape, [2]int64{offset, end}}
		if err := member(name, entry); err != nil {
			return nil, err
		}
		offset = end
	}
	if text.Len() > 1 {
		text.Truncate(text.Len() - 1)
	}
	text.WriteByte('}')
	for text.Len()%8 != 0 { // so that the data are aligned
		text.WriteByte(' ')
	}
	if text.Len() > MaxHeaderBytes {
		return nil, fmt.Errorf("the header has %d bytes; expected at most %d", text.Len(), MaxHeaderBytes)
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(text.Len())), text.Bytes()...), nil
}
