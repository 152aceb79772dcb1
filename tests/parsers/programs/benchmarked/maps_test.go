// Benchmarks with sub-benchmarks, custom units and bytes per second; run with gctrace for its lines.
package benchmarked

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
)

var sink map[string]int

func fill(n int) map[string]int {
	m := map[string]int{}
	for i := 0; i < n; i++ {
		m[strconv.Itoa(i)] = i
	}
	return m
}

func BenchmarkFill(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprintf("n=%d/kind=string", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(n))
			for i := 0; i < b.N; i++ {
				sink = fill(n)
			}
		})
	}
}

func BenchmarkInUse(b *testing.B) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := 0; i < b.N; i++ {
		sink = fill(100)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(int64(after.HeapInuse)-int64(before.HeapInuse)), "heap_inuse_delta_bytes")
	b.ReportMetric(12.5, "p99-ns/op")
}
