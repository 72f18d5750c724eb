package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

const metadataKey = "__metadata__"

// parseHeader reads the JSON of a header. Offsets count from the first byte of the data.
func parseHeader(text []byte) ([]Entry, map[string]string, error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, nil, errors.New(`the header does not begin with "{"`)
	}
	if !utf8.Valid(text) {
		return nil, nil, errors.New("the header is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var entries []Entry
	metadata := map[string]string{}
	err := readObject(decoder, func(name string) error {
		if name == metadataKey {
			return readObject(decoder, func(key string) error {
				value, err := read[string](decoder)
				metadata[key] = value
				return wrap(err, "%s.%s", metadataKey, key)
			})
		}
		entry, err := readEntry(decoder, name)
		entries = append(entries, entry)
		return wrap(err, "%q", name)
	})
	if err != nil {
		return nil, nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, nil, errors.New("something stands behind the header's object")
	}
	return entries, metadata, nil
}

func readEntry(decoder *json.Decoder, name string) (Entry, error) {
	entry := Entry{Name: name}
	var offsets []int64
	seen := 0
	err := readObject(decoder, func(key string) (err error) {
		switch key {
		case "dtype":
			var dtype string
			dtype, err = read[string](decoder)
			entry.DType = DType(dtype)
		case "shape":
			entry.Shape, err = readNaturals(decoder)
		case "data_offsets":
			offsets, err = readNaturals(decoder)
		default:
			_, err = read[json.RawMessage](decoder)
			return err
		}
		seen++
		return wrap(err, "%s", key)
	})
	if err != nil {
		return entry, err
	}
	if seen != 3 {
		return entry, errors.New("expected dtype, shape and data_offsets")
	}
	if _, known := bitsOf[entry.DType]; !known {
		return entry, fmt.Errorf("there is no dtype %q", entry.DType)
	}
	if len(offsets) != 2 || offsets[1] < offsets[0] {
		return entry, fmt.Errorf("data_offsets are %v; expected where it begins and where it ends", offsets)
	}
	entry.Offset, entry.Size = offsets[0], offsets[1]-offsets[0]
	if need, ok := size(entry.DType, entry.Shape); !ok || need != entry.Size {
		return entry, fmt.Errorf("%s %v does not fit the %d bytes of its offsets", entry.DType, entry.Shape, entry.Size)
	}
	return entry, nil
}

// readObject reads an object whose names are different, and calls with each of them to read its value.
func readObject(decoder *json.Decoder, value func(name string) error) error {
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return errors.Join(errors.New("expected an object"), err)
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if seen[name] {
			return fmt.Errorf("%q comes twice", name)
		}
		seen[name] = true
		if err := value(name); err != nil {
			return err
		}
	}
	_, err := decoder.Token()
	return err
}

// readNaturals reads a list of whole numbers from 0 on that are written as such.
func readNaturals(decoder *json.Decoder) ([]int64, error) {
	texts, err := read[[]json.Number](decoder)
	if err != nil {
		return nil, fmt.Errorf("expected a list: %w", err)
	}
	numbers := make([]int64, len(texts))
	for i, text := range texts {
		number, err := strconv.ParseUint(text.String(), 10, 63)
		if err != nil {
			return nil, fmt.Errorf("%s is no whole number from 0 on", text)
		}
		numbers[i] = int64(number)
	}
	return numbers, nil
}

// read decodes one value that is not null.
func read[T any](decoder *json.Decoder) (T, error) {
	var value *T
	if err := decoder.Decode(&value); err != nil {
		return *new(T), err
	}
	if value == nil {
		return *new(T), errors.New("is null")
	}
	return *value, nil
}

func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
