package safetensors

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// MaxHeaderBytes is the limit of the reference library.
const MaxHeaderBytes = 100_000_000

// An Entry says where a tensor lies in a file.
type Entry struct {
	Name  string
	DType DType
	Shape []int64
	// Offset is that of the first byte, from the beginning of the file, and Size the number of bytes.
	Offset, Size int64
}

// A File is a safetensors file whose header has been read.
type File struct {
	// Entries are in the order of their bytes.
	Entries  []Entry
	Metadata map[string]string

	reader io.ReaderAt
	names  map[string]int
}

// Open reads the header of a file of so many bytes, and checks it. Numbers are read when they are asked for.
func Open(reader io.ReaderAt, size int64) (*File, error) {
	if size < 8 {
		return nil, fmt.Errorf("safetensors: it has %d bytes; the length of the header alone has 8", size)
	}
	var prefix [8]byte
	if _, err := reader.ReadAt(prefix[:], 0); err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > MaxHeaderBytes || length > uint64(size-8) {
		return nil, fmt.Errorf("safetensors: the header says it has %d bytes; the file has %d, and a header at most %d", length, size, MaxHeaderBytes)
	}
	text := make([]byte, length)
	if _, err := reader.ReadAt(text, 8); err != nil && (err != io.EOF || length == 0) {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	entries, metadata, err := parseHeader(text)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	file := &File{entries, metadata, reader, make(map[string]int, len(entries))}
	if err := file.place(8+int64(length), size); err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	return file, nil
}

// place orders entries, moves them behind the header and checks that every byte belongs to one of them.
func (f *File) place(begin, end int64) error {
	slices.SortStableFunc(f.Entries, func(a, b Entry) int {
		if a.Offset != b.Offset {
			return int(min(max(a.Offset-b.Offset, -1), 1))
		}
		return int(min(max(a.Size-b.Size, -1), 1))
	})
	next := begin
	for i := range f.Entries {
		entry := &f.Entries[i]
		if entry.Offset != next-begin {
			return fmt.Errorf("%q begins at byte %d of the data, the tensor before it ends at %d: there must be no gap and no overlap", entry.Name, entry.Offset, next-begin)
		}
		if entry.Size > end-next {
			return fmt.Errorf("%q ends behind the end of the file", entry.Name)
		}
		entry.Offset = next
		next += entry.Size
		f.names[entry.Name] = i
	}
	if next != end {
		return fmt.Errorf("%d bytes behind the last tensor belong to none", end-next)
	}
	return nil
}

// Entry finds a tensor by its name.
func (f *File) Entry(name string) (Entry, bool) {
	i, ok := f.names[name]
	if !ok {
		return Entry{}, false
	}
	return f.Entries[i], true
}

// Tensor reads a tensor.
func (f *File) Tensor(name string) (Tensor, error) {
	entry, ok := f.Entry(name)
	if !ok {
		return Tensor{}, fmt.Errorf("safetensors: there is no tensor %q", name)
	}
	data := make([]byte, entry.Size)
	if _, err := io.ReadFull(f.Section(entry), data); err != nil {
		return Tensor{}, fmt.Errorf("safetensors: %q: %w", name, err)
	}
	return Tensor{entry.DType, entry.Shape, data}, nil
}

// Section reads the bytes of a tensor one after another.
func (f *File) Section(entry Entry) *io.SectionReader {
	return io.NewSectionReader(f.reader, entry.Offset, entry.Size)
}

// Tensors reads all tensors.
func (f *File) Tensors() (map[string]Tensor, error) {
	tensors := make(map[string]Tensor, len(f.Entries))
	for _, entry := range f.Entries {
		tensor, err := f.Tensor(entry.Name)
		if err != nil {
			return nil, err
		}
		tensors[entry.Name] = tensor
	}
	return tensors, nil
}
