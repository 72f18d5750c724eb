package trainer

import (
	"encoding/json"
	"os"
	"slices"

	"ratatouille"
	"ratatouille/safetensors"
)

// Data are the examples of a data set.
type Data struct {
	// Classes and Domains by name; Labels and Domain are places in them, of each row.
	Classes, Domains []string
	Labels, Domain   []int

	shards              []ratatouille.Blob
	shard               []int64
	offset, size        []int64
	files               map[int64]*os.File
	training, validated map[string][]int
	tested              map[string][]int
}

// Read gives the bytes of an example.
func (d *Data) Read(row int) ([]byte, error) {
	if row < 0 || row >= len(d.Labels) {
		return nil, Permanent("there is no row %d; the data set has %d", row, len(d.Labels))
	}
	content := make([]byte, d.size[row])
	if _, err := d.files[d.shard[row]].ReadAt(content, d.offset[row]); err != nil {
		return nil, err
	}
	return content, nil
}

// Training are the rows of a domain to train on.
func (d *Data) Training(domain string) []int { return d.training[domain] }

// Validation are the rows of a domain to validate on; none without a split.
func (d *Data) Validation(domain string) []int { return d.validated[domain] }

// readIndex reads a data set's index.
func readIndex(file *safetensors.File) (*Data, error) {
	if format := file.Metadata["format"]; format != "ratatouille-images/1" && format != "ratatouille-records/1" {
		return nil, Permanent("the data set has the format %q; expected ratatouille-images/1 or ratatouille-records/1", format)
	}
	data := &Data{files: map[int64]*os.File{}}
	var shards []struct {
		Digest string
		Bytes  int64
	}
	for key, into := range map[string]any{"domains": &data.Domains, "classes": &data.Classes, "shards": &shards} {
		if err := json.Unmarshal([]byte(file.Metadata[key]), into); err != nil {
			return nil, Permanent("the data set's metadata %s cannot be read: %w", key, err)
		}
	}
	for _, shard := range shards {
		data.shards = append(data.shards, ratatouille.Blob{Digest: shard.Digest, Size: shard.Bytes})
	}
	columns := map[string][]int64{}
	for _, name := range []string{"domain", "class", "shard", "offset", "bytes"} {
		column, err := integers(file, name)
		if err != nil {
			return nil, Permanent("the data set: %w", err)
		}
		columns[name] = column
	}
	for _, column := range columns {
		if len(column) != len(columns["class"]) {
			return nil, Permanent("the data set has columns of %d and %d rows", len(column), len(columns["class"]))
		}
	}
	data.shard, data.offset, data.size = columns["shard"], columns["offset"], columns["bytes"]
	for row, shard := range data.shard {
		class, domain := columns["class"][row], columns["domain"][row]
		if !isPlace(class, len(data.Classes)) || !isPlace(domain, len(data.Domains)) || !isPlace(shard, len(shards)) {
			return nil, Permanent("row %d of the data set has class %d, domain %d or shard %d, which there is not", row, class, domain, shard)
		}
		if offset, size := data.offset[row], data.size[row]; offset < 0 || size < 0 || offset > shards[shard].Bytes || size > shards[shard].Bytes-offset {
			return nil, Permanent("row %d of the data set lies outside its shard", row)
		}
		data.Labels, data.Domain = append(data.Labels, int(class)), append(data.Domain, int(domain))
	}
	return data, nil
}

// readSplit says which rows are for what; without a file all are for training.
func (d *Data) readSplit(file *safetensors.File) error {
	d.training, d.validated, d.tested = map[string][]int{}, map[string][]int{}, map[string][]int{}
	if file == nil {
		for row, domain := range d.Domain {
			d.training[d.Domains[domain]] = append(d.training[d.Domains[domain]], row)
		}
		return nil
	}
	var names []string
	if format := file.Metadata["format"]; format != "ratatouille-split/1" {
		return Permanent("the split has the format %q; expected ratatouille-split/1", format)
	}
	if err := json.Unmarshal([]byte(file.Metadata["domains"]), &names); err != nil || !slices.Equal(names, d.Domains) {
		return Permanent("the split is of the domains %q; expected those of the data set, %q", names, d.Domains)
	}
	for part, rows := range map[string]map[string][]int{"training": d.training, "validation": d.validated, "test": d.tested} {
		for i, domain := range d.Domains {
			name := part + "." + itoa(i)
			if _, there := file.Entry(name); !there && part == "test" {
				continue
			}
			numbers, err := integers(file, name)
			if err != nil {
				return Permanent("the split: %w", err)
			}
			for _, row := range numbers {
				if !isPlace(row, len(d.Domain)) || d.Domain[row] != i {
					return Permanent("%s of the split has row %d, which is not of the domain %s", name, row, domain)
				}
				rows[domain] = append(rows[domain], int(row))
			}
		}
	}
	return nil
}

// rowsOf are the rows of a part of a domain.
func (d *Data) rowsOf(part, domain string) []int {
	switch part {
	case "training":
		return d.training[domain]
	case "validation":
		return d.validated[domain]
	case "test":
		return d.tested[domain]
	default:
		var rows []int
		for row, place := range d.Domain {
			if d.Domains[place] == domain {
				rows = append(rows, row)
			}
		}
		return rows
	}
}

func isPlace(place int64, n int) bool { return place >= 0 && place < int64(n) }

func integers(file *safetensors.File, name string) ([]int64, error) {
	tensor, err := file.Tensor(name)
	if err != nil {
		return nil, err
	}
	return tensor.Int64s()
}
