package safetensors

import (
	"math"
	"math/bits"
)

// A DType is a type of numbers, as files spell it.
type DType string

// Types of numbers.
const (
	Bool       DType = "BOOL"
	F4         DType = "F4"
	F6E2M3     DType = "F6_E2M3"
	F6E3M2     DType = "F6_E3M2"
	U8         DType = "U8"
	I8         DType = "I8"
	F8E5M2     DType = "F8_E5M2"
	F8E4M3     DType = "F8_E4M3"
	F8E8M0     DType = "F8_E8M0"
	F8E4M3FNUZ DType = "F8_E4M3FNUZ"
	F8E5M2FNUZ DType = "F8_E5M2FNUZ"
	I16        DType = "I16"
	U16        DType = "U16"
	F16        DType = "F16"
	BF16       DType = "BF16"
	I32        DType = "I32"
	U32        DType = "U32"
	F32        DType = "F32"
	C64        DType = "C64"
	F64        DType = "F64"
	I64        DType = "I64"
	U64        DType = "U64"
)

// By ascending alignment: a writer begins with the last, so that each tensor is aligned to its numbers.
var order = []DType{
	Bool, F4, F6E2M3, F6E3M2, U8, I8, F8E5M2, F8E4M3, F8E8M0, F8E4M3FNUZ, F8E5M2FNUZ, I16, U16, F16, BF16, I32, U32, F32, C64, F64, I64, U64,
}

var bitsOf = map[DType]uint64{
	Bool: 8, F4: 4, F6E2M3: 6, F6E3M2: 6, U8: 8, I8: 8, F8E5M2: 8, F8E4M3: 8, F8E8M0: 8, F8E4M3FNUZ: 8, F8E5M2FNUZ: 8,
	I16: 16, U16: 16, F16: 16, BF16: 16, I32: 32, U32: 32, F32: 32, C64: 64, F64: 64, I64: 64, U64: 64,
}

// size is how many bytes a tensor has; false where that is no number: an unknown type, a negative dimension, an overflow, half a byte.
func size(dtype DType, shape []int64) (int64, bool) {
	total, known := bitsOf[dtype]
	for _, dimension := range shape {
		high, low := bits.Mul64(total, uint64(dimension))
		if dimension < 0 || high != 0 {
			return 0, false
		}
		total = low
	}
	return int64(total / 8), known && total%8 == 0 && total/8 <= math.MaxInt64
}
