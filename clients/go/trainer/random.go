package trainer

import "math/bits"

// The stream of random numbers of docs/images.md: words of Philox4x32-10 (Salmon et al. 2011) under a key, from a place on.
type stream struct {
	key     [2]uint32
	place   [3]uint32
	counter uint32
	words   [4]uint32
	used    int
}

const purposeOrder = 1

func newStream(seed, purpose, a, b, c uint32) *stream {
	return &stream{key: [2]uint32{seed, purpose}, place: [3]uint32{a, b, c}, used: 4}
}

func (s *stream) next() uint32 {
	if s.used == 4 {
		s.words = philox([4]uint32{s.counter, s.place[0], s.place[1], s.place[2]}, s.key)
		s.counter++
		s.used = 0
	}
	s.used++
	return s.words[s.used-1]
}

// below gives a whole number from 0 to n - 1, each as often.
func (s *stream) below(n uint32) uint32 {
	least := -n % n
	for {
		if high, low := bits.Mul32(s.next(), n); low >= least {
			return high
		}
	}
}

// shuffled gives the numbers from 0 to n - 1 in the order of the stream.
func (s *stream) shuffled(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := s.below(uint32(i) + 1)
		list[i], list[j] = list[j], list[i]
	}
	return list
}

func philox(counter [4]uint32, key [2]uint32) [4]uint32 {
	for range 10 {
		high0, low0 := bits.Mul32(0xD2511F53, counter[0])
		high1, low1 := bits.Mul32(0xCD9E8D57, counter[2])
		counter = [4]uint32{high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return counter
}
