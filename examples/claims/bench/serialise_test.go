package bench

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"encoding/json"
	"math"
	"testing"
)

// record has one size in memory and on the wire.
type record struct {
	ID    uint64
	Price float64
	Stock uint64
}

const recordBytes = 24

var (
	records     = makeRecords(10_000)
	keptRecords []record
)

func makeRecords(n int) []record {
	all := make([]record, n)
	for i := range all {
		all[i] = record{uint64(i), float64(i) / 3, uint64(i * i)}
	}
	return all
}

// Written and read back, by way of a buffer that is there already: what is allocated is copies.
func BenchmarkSerialisers(b *testing.B) {
	b.Run("gob", func(b *testing.B) {
		var buffer bytes.Buffer
		buffer.Grow(1 << 20)
		for range b.N {
			buffer.Reset()
			var read []record
			must(gob.NewEncoder(&buffer).Encode(records))
			b.ReportMetric(float64(buffer.Len()), "payload-B")
			must(gob.NewDecoder(&buffer).Decode(&read))
			keptRecords = read
		}
	})
	b.Run("json", func(b *testing.B) {
		for range b.N {
			text, err := json.Marshal(records)
			must(err)
			b.ReportMetric(float64(len(text)), "payload-B")
			var read []record
			must(json.Unmarshal(text, &read))
			keptRecords = read
		}
	})
	// One pass and one copy, as msgpack is said to do it; there is no msgpack in the standard library.
	b.Run("one-pass", func(b *testing.B) {
		buffer := make([]byte, 0, len(records)*recordBytes)
		for range b.N {
			buffer = write(buffer[:0])
			b.ReportMetric(float64(len(buffer)), "payload-B")
			read := make([]record, len(buffer)/recordBytes)
			for i := range read {
				read[i] = view(buffer[i*recordBytes:]).copied()
			}
			keptRecords = read
		}
	})
	// Read where it lies.
	b.Run("in-place", func(b *testing.B) {
		buffer := make([]byte, 0, len(records)*recordBytes)
		for range b.N {
			buffer = write(buffer[:0])
			b.ReportMetric(float64(len(buffer)), "payload-B")
			for i := 0; i < len(buffer); i += recordBytes {
				keptInt += int(view(buffer[i:]).id())
			}
		}
	})
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func write(buffer []byte) []byte {
	for _, r := range records {
		buffer = binary.LittleEndian.AppendUint64(buffer, r.ID)
		buffer = binary.LittleEndian.AppendUint64(buffer, math.Float64bits(r.Price))
		buffer = binary.LittleEndian.AppendUint64(buffer, r.Stock)
	}
	return buffer
}

// view is a record as it lies in a buffer.
type view []byte

func (v view) id() uint64     { return binary.LittleEndian.Uint64(v) }
func (v view) price() float64 { return math.Float64frombits(binary.LittleEndian.Uint64(v[8:])) }
func (v view) stock() uint64  { return binary.LittleEndian.Uint64(v[16:]) }
func (v view) copied() record { return record{v.id(), v.price(), v.stock()} }
