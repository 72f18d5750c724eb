package ratatouille_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"ratatouille/internal/testsystem"
	"ratatouille/safetensors"
)

func TestMain(m *testing.M) { testsystem.Main(m) }

// modelOf is a file of so many random numbers, and the numbers.
func modelOf(t testing.TB, seed uint64, count int) ([]byte, []float32) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	values := make([]float32, count)
	for i := range values {
		values[i] = random.Float32() - 0.5
	}
	content, err := safetensors.Bytes(map[string]safetensors.Tensor{"w": safetensors.Float32([]int64{int64(count)}, values)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return content, values
}

// written is the path of a file.
func written(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// meanOf is the mean of numbers, as float64 has it, rounded once.
func meanOf(models ...[]float32) []float32 {
	mean := make([]float32, len(models[0]))
	for i := range mean {
		sum := 0.0
		for _, model := range models {
			sum += float64(model[i])
		}
		mean[i] = float32(sum / float64(len(models)))
	}
	return mean
}

func tensorIn(t testing.TB, path, name string) []float32 {
	t.Helper()
	tensors, _, err := safetensors.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	values, err := tensors[name].Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func digestOf(content []byte) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(content))
}
