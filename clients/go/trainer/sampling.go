package trainer

// A sampler says which rows a step has, as docs/images.md describes it.
type sampler struct {
	seed            uint32
	batch           int
	withReplacement bool
	// rows of each domain, in the order of the recipe.
	rows [][]int
	// orders are those of the epochs in use, by domain.
	orders []epoch
}

type epoch struct {
	number int
	order  []int
}

func newSampler(seed uint32, batch int, withReplacement bool, rows [][]int) *sampler {
	return &sampler{seed: seed, batch: batch, withReplacement: withReplacement, rows: rows, orders: make([]epoch, len(rows))}
}

// step gives the rows of a step, which count from 1, domain by domain.
func (s *sampler) step(step int) []int {
	result := make([]int, 0, s.batch*len(s.rows))
	for domain, rows := range s.rows {
		for b := range s.batch {
			position := uint64(step-1)*uint64(s.batch) + uint64(b)
			result = append(result, rows[s.place(domain, position, len(rows))])
		}
	}
	return result
}

func (s *sampler) place(domain int, position uint64, n int) int {
	if s.withReplacement {
		return int(newStream(s.seed, purposeOrder, uint32(domain), uint32(position), uint32(position>>32)).below(uint32(n)))
	}
	number := int(position / uint64(n))
	current := &s.orders[domain]
	if current.order == nil || current.number != number {
		*current = epoch{number, newStream(s.seed, purposeOrder, uint32(domain), uint32(number), 0).shuffled(n)}
	}
	return current.order[position%uint64(n)]
}
