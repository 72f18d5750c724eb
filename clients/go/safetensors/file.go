package safetensors

import "os"

// ReadFile reads all tensors and the metadata of a file.
func ReadFile(path string) (tensors map[string]Tensor, metadata map[string]string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	opened, err := Open(file, info.Size())
	if err != nil {
		return nil, nil, err
	}
	tensors, err = opened.Tensors()
	return tensors, opened.Metadata, err
}

// WriteFile writes tensors to a file, as [Write] does.
func WriteFile(path string, tensors map[string]Tensor, metadata map[string]string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := Write(file, tensors, metadata); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
