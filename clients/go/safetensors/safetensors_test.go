package safetensors_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ratatouille/safetensors"
)

const fixtures = "../../../test/fixtures/safetensors"

// Values that PyTorch read from files that the reference library wrote; the first eight of each tensor.
func TestReadsWhatTheReferenceLibraryWrote(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(fixtures, "valid.json"))
	if err != nil {
		t.Fatal(err)
	}
	var files map[string]map[string]struct {
		Shape  []int64
		Values []float64
	}
	if err := json.Unmarshal(text, &files); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for name, tensors := range files {
		file := open(t, filepath.Join(fixtures, "valid", name))
		if len(file.Entries) != len(tensors) {
			t.Errorf("%s: %d tensors; expected %d", name, len(file.Entries), len(tensors))
		}
		for tensorName, expected := range tensors {
			tensor, err := file.Tensor(tensorName)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(tensor.Shape, expected.Shape) {
				t.Errorf("%s: %s has the shape %v; expected %v", name, tensorName, tensor.Shape, expected.Shape)
			}
			found, err := tensor.Float64s()
			if err != nil {
				continue // of a type that is not read as numbers
			}
			for i, value := range expected.Values {
				if found[i] != value {
					t.Errorf("%s: %s[%d] is %v; expected %v", name, tensorName, i, found[i], value)
				}
				compared++
			}
		}
	}
	if compared < 30 {
		t.Errorf("compared only %d numbers", compared)
	}
}

func TestRefusesWhatIsNoFile(t *testing.T) {
	paths, _ := filepath.Glob(filepath.Join(fixtures, "invalid", "*"))
	if len(paths) < 20 {
		t.Fatalf("there are only %d fixtures", len(paths))
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := safetensors.Open(bytes.NewReader(content), int64(len(content))); err == nil {
			t.Errorf("%s was read", filepath.Base(path))
		}
	}
}

func TestWritesWhatItReads(t *testing.T) {
	tensors := map[string]safetensors.Tensor{
		"b":       safetensors.Float32([]int64{2, 1}, []float32{0.5, -2}),
		"a <&>":   safetensors.Float32([]int64{}, []float32{7}),
		"wide":    {DType: safetensors.I64, Shape: []int64{1}, Data: make([]byte, 8)},
		"nothing": {DType: safetensors.F16, Shape: []int64{0, 3}, Data: []byte{}},
	}
	content, err := safetensors.Bytes(tensors, map[string]string{"format": "pt"})
	if err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	found, err := file.Tensors()
	if err != nil {
		t.Fatal(err)
	}
	for name, tensor := range tensors {
		if !bytes.Equal(found[name].Data, tensor.Data) || !slices.Equal(found[name].Shape, tensor.Shape) || found[name].DType != tensor.DType {
			t.Errorf("%s is %v; expected %v", name, found[name], tensor)
		}
	}
	names := make([]string, len(file.Entries))
	for i, entry := range file.Entries {
		names[i] = entry.Name
		if entry.Size > 0 && entry.Offset%4 != 0 {
			t.Errorf("%s begins at byte %d", entry.Name, entry.Offset)
		}
	}
	if text := strings.Join(names, " "); text != "wide a <&> b nothing" {
		t.Errorf("the order is %s", text)
	}
	if file.Metadata["format"] != "pt" {
		t.Errorf("the metadata are %v", file.Metadata)
	}
}

func TestRoundsToTheNearest(t *testing.T) {
	for _, test := range []struct {
		dtype safetensors.DType
		value float64
		want  float64
	}{
		{safetensors.F16, 1 + 1.0/2048, 1},                        // half way: to the even one
		{safetensors.F16, 1 + 3.0/2048, 1 + 2.0/1024},             // half way: to the even one
		{safetensors.F16, 65519, 65504},                           // the largest
		{safetensors.F16, 65520, math.Inf(1)},                     // beyond it
		{safetensors.F16, 3 * math.Pow(2, -25), math.Pow(2, -23)}, // below the normal numbers, half way
		{safetensors.F16, -math.Pow(2, -26), 0},
		{safetensors.BF16, 1 + 1.0/256, 1},
		{safetensors.BF16, 1 + 3.0/256, 1 + 2.0/128},
		{safetensors.F32, 0.1, float64(float32(0.1))},
		{safetensors.I64, 2.5, 2},
		{safetensors.I32, -7.6, -8},
	} {
		tensor, err := safetensors.FromFloat64s(test.dtype, []int64{1}, []float64{test.value})
		if err != nil {
			t.Fatal(err)
		}
		if found, err := tensor.Float64s(); err != nil || found[0] != test.want {
			t.Errorf("%s of %v is %v (%v); expected %v", test.dtype, test.value, found, err, test.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	paths, _ := filepath.Glob(filepath.Join(fixtures, "*", "*.safetensors"))
	for _, path := range paths {
		if content, err := os.ReadFile(path); err == nil && len(content) < 1<<12 {
			f.Add(content)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := safetensors.Open(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return
		}
		covered := int64(0)
		for _, entry := range file.Entries {
			covered += entry.Size
		}
		if _, err := file.Tensors(); err != nil || covered > int64(len(content)) {
			t.Errorf("read a file of %d bytes with %d of tensors (%v)", len(content), covered, err)
		}
	})
}

func open(t *testing.T, path string) *safetensors.File {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return file
}

func ExampleOpen() {
	content, err := safetensors.Bytes(map[string]safetensors.Tensor{"w": safetensors.Float32([]int64{2}, []float32{0.5, -2})}, nil)
	if err != nil {
		panic(err)
	}
	file, err := safetensors.Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		panic(err)
	}
	tensor, err := file.Tensor("w")
	if err != nil {
		panic(err)
	}
	values, err := tensor.Float32s()
	fmt.Println(tensor.DType, tensor.Shape, values, err)
	// Output: F32 [2] [0.5 -2] <nil>
}
