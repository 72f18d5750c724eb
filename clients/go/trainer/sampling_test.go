package trainer

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"testing"
)

// Vectors that another implementation has made.
func TestStepsHaveTheRowsOfEveryTrainer(t *testing.T) {
	text, err := os.ReadFile("../../../test/fixtures/sampling/rows.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Seed        uint32
		Sizes       []int
		Batch       int
		Replacement bool
		Rows        map[string][][]int
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, one := range cases {
		if slices.Max(one.Sizes) > 1_000_000 {
			continue // more rows than are listed here; place is asked below
		}
		rows := make([][]int, len(one.Sizes))
		for domain, size := range one.Sizes {
			for row := range size {
				rows[domain] = append(rows[domain], row)
			}
		}
		sampler := newSampler(one.Seed, one.Batch, one.Replacement, rows)
		for text, expected := range one.Rows {
			step, _ := strconv.Atoi(text)
			if found := sampler.step(step); !slices.Equal(found, slices.Concat(expected...)) {
				t.Errorf("step %d of seed %d has the rows %v; expected %v", step, one.Seed, found, expected)
			}
		}
	}
	sampler := newSampler(20, 2, true, make([][]int, 1))
	if first, last := sampler.place(0, 0, 2_000_000_000), sampler.place(0, 2863311531, 2_000_000_000); first != 1563607992 || last != 539479619 {
		t.Errorf("of many rows the places are %d and %d", first, last)
	}
}
