package safetensors

import (
	"encoding/binary"
	"math"
)

// A number reads and writes the numbers of a type.
type number struct {
	width int
	get   func([]byte) float64
	put   func([]byte, float64) []byte
}

var little = binary.LittleEndian

// Those that a float64 holds, but for I64 beyond 2^53.
var numbers = map[DType]number{
	F64: {8,
		func(b []byte) float64 { return math.Float64frombits(little.Uint64(b)) },
		func(b []byte, x float64) []byte { return little.AppendUint64(b, math.Float64bits(x)) }},
	F32: {4,
		func(b []byte) float64 { return float64(math.Float32frombits(little.Uint32(b))) },
		func(b []byte, x float64) []byte { return little.AppendUint32(b, math.Float32bits(float32(x))) }},
	F16: {2,
		func(b []byte) float64 { return widenHalf(little.Uint16(b)) },
		func(b []byte, x float64) []byte { return little.AppendUint16(b, narrowHalf(x)) }},
	BF16: {2,
		func(b []byte) float64 { return float64(math.Float32frombits(uint32(little.Uint16(b)) << 16)) },
		func(b []byte, x float64) []byte { return little.AppendUint16(b, narrowBrain(x)) }},
	I64: {8,
		func(b []byte) float64 { return float64(int64At(b)) },
		func(b []byte, x float64) []byte { return little.AppendUint64(b, uint64(int64(math.RoundToEven(x)))) }},
	I32: {4,
		func(b []byte) float64 { return float64(int32(little.Uint32(b))) },
		func(b []byte, x float64) []byte { return little.AppendUint32(b, uint32(int32(math.RoundToEven(x)))) }},
}

func int64At(b []byte) int64 { return int64(little.Uint64(b)) }

// widenHalf reads IEEE 754 binary16.
func widenHalf(bits uint16) float64 {
	sign := 1 - 2*float64(bits>>15)
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	switch {
	case exponent == 0x1f && fraction != 0:
		return math.NaN()
	case exponent == 0x1f:
		return sign * math.Inf(1)
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	default:
		return sign * math.Ldexp(1024+fraction, exponent-25)
	}
}

// narrowHalf rounds to the nearest number of binary16, of two to the even one.
func narrowHalf(x float64) uint16 {
	sign := uint16(math.Float64bits(x) >> 48 & 0x8000)
	x = math.Abs(x)
	switch {
	case math.IsNaN(x):
		return sign | 0x7e00
	case x >= 65520:
		return sign | 0x7c00
	}
	_, exponent := math.Frexp(x)
	step := max(exponent-11, -24) // of the last bit, as a power of 2
	units := uint16(math.RoundToEven(math.Ldexp(x, -step)))
	// What rounds up to the next power of 2 carries into the exponent.
	return sign | (uint16(step+24)<<10 + units)
}

// narrowBrain rounds to the nearest number of bfloat16, of two to the even one.
func narrowBrain(x float64) uint16 {
	bits := math.Float32bits(float32(x))
	if math.IsNaN(x) {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
