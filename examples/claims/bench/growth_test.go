package bench

import (
	"runtime"
	"testing"
)

func BenchmarkGrowAllocates(b *testing.B) {
	// How full a bucket (or group) of 8 is on average when the table grows: up to 1000 keys both kinds of
	// map are one table of a power of two buckets.
	b.Run("load", func(b *testing.B) {
		var keys, bytes float64
		for range b.N {
			keys, bytes = largestGrowth(1000)
		}
		b.ReportMetric(keys/128, "keys-at-growth/bucket")
		b.ReportMetric(bytes, "largest-growth-B")
	})
	// How much more is alive on the way than at the end: the old table, while the new one is filled.
	b.Run("old-table", func(b *testing.B) {
		var share float64
		for range b.N {
			share = oldTableShare(50_000, 64_000, 500)
		}
		b.ReportMetric(share, "alive-over-final")
	})
}

// largestGrowth returns at how many keys an assignment allocated most, and how much.
func largestGrowth(n int64) (keys, bytes float64) {
	m := map[int64]int64{}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range n {
		m[i] = i
		runtime.ReadMemStats(&after)
		if grown := float64(after.TotalAlloc - before.TotalAlloc); grown > bytes {
			keys, bytes = float64(i), grown
		}
		before = after
	}
	return keys, bytes
}

func oldTableShare(from, to, step int64) float64 {
	before := liveBytes()
	m := map[int64]int64{}
	var peak, last float64
	for i := range to {
		m[i] = i
		if i >= from && i%step == 0 {
			last = liveBytes() - before
			peak = max(peak, last)
		}
	}
	keptInt += len(m)
	return peak/last - 1
}
