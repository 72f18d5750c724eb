package safetensors

import "fmt"

// A Tensor is an array of numbers.
type Tensor struct {
	DType DType
	Shape []int64
	// Data are the numbers, row by row, little-endian.
	Data []byte
}

// Float32 is a tensor of F32. It panics where the shape has not as many places as there are numbers.
func Float32(shape []int64, values []float32) Tensor {
	return must(F32, shape, values)
}

// Int32 is a tensor of I32. It panics where the shape has not as many places as there are numbers.
func Int32(shape []int64, values []int32) Tensor {
	return must(I32, shape, values)
}

// FromFloat64s is a tensor of F64, F32, F16, BF16, I64 or I32 whose numbers are the nearest ones, of two the even one.
func FromFloat64s(dtype DType, shape []int64, values []float64) (Tensor, error) {
	number, ok := numbers[dtype]
	if !ok {
		return Tensor{}, fmt.Errorf("numbers of %s are not made; expected F64, F32, F16, BF16, I64 or I32", dtype)
	}
	data := make([]byte, 0, number.width*len(values))
	for _, value := range values {
		data = number.put(data, value)
	}
	tensor := Tensor{dtype, shape, data}
	return tensor, tensor.check()
}

// Float64s are the numbers of a tensor of F64, F32, F16, BF16, I64 or I32.
func (t Tensor) Float64s() ([]float64, error) {
	return read64[float64](t)
}

// Float32s are those of [Tensor.Float64s], rounded.
func (t Tensor) Float32s() ([]float32, error) {
	return read64[float32](t)
}

// Int64s are the numbers of a tensor of I64 or I32.
func (t Tensor) Int64s() ([]int64, error) {
	if t.DType == I64 && t.check() == nil { // of which not all are float64s
		return each(t.Data, 8, int64At), nil
	}
	if t.DType != I64 && t.DType != I32 {
		return nil, fmt.Errorf("a tensor of %s has no integers; expected I64 or I32", t.DType)
	}
	return read64[int64](t)
}

func read64[T float64 | float32 | int64](t Tensor) ([]T, error) {
	number, ok := numbers[t.DType]
	if !ok {
		return nil, fmt.Errorf("numbers of %s are not read; expected F64, F32, F16, BF16, I64 or I32", t.DType)
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	return each(t.Data, number.width, func(b []byte) T { return T(number.get(b)) }), nil
}

// check tells whether type, shape and bytes fit.
func (t Tensor) check() error {
	if need, ok := size(t.DType, t.Shape); !ok || need != int64(len(t.Data)) {
		return fmt.Errorf("a tensor of %s %v has %d bytes; expected as many as its shape has numbers", t.DType, t.Shape, len(t.Data))
	}
	return nil
}

func must[T float32 | int32](dtype DType, shape []int64, values []T) Tensor {
	data := make([]byte, 0, 4*len(values))
	for _, value := range values {
		data = numbers[dtype].put(data, float64(value))
	}
	tensor := Tensor{dtype, shape, data}
	if err := tensor.check(); err != nil {
		panic(err)
	}
	return tensor
}

func each[T any](data []byte, width int, read func([]byte) T) []T {
	values := make([]T, len(data)/width)
	for i := range values {
		values[i] = read(data[i*width:])
	}
	return values
}
