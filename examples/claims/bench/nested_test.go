package bench

import (
	"reflect"
	"sync"
	"testing"

	"claimslab/leak"
)

const (
	documents = 2000
	lifetime  = documents / 2 // how many more arrive while a document is of use
)

// What is alive at most while documents arrive, and each is of use until as many as lifetime more have come.
func BenchmarkJsonNestedLeak(b *testing.B) {
	b.Run("kept", func(b *testing.B) {
		cache := map[int]leak.Document{}
		report(b, func(i int, d leak.Document) { cache[i] = d }, func() { clear(cache) })
		for i := range 100 {
			cache[i] = leak.Decode(i)
		}
		inner := map[uintptr]bool{}
		for _, document := range cache {
			for _, m := range document {
				inner[reflect.ValueOf(m).Pointer()] = true
			}
		}
		b.ReportMetric(float64(len(inner))/float64(len(cache)), "new-inner-maps/document")
	})
	b.Run("deleted", func(b *testing.B) {
		cache := map[int]leak.Document{}
		report(b, func(i int, d leak.Document) {
			cache[i] = d
			delete(cache, i-lifetime)
		}, func() { clear(cache) })
	})
	b.Run("expiring", func(b *testing.B) {
		var cache sync.Map
		report(b, func(i int, d leak.Document) {
			cache.Store(i, d)
			if i%100 == 0 { // an expiry sweep now and then, as a timer makes it
				cache.Range(func(key, _ interface{}) bool {
					if key.(int) <= i-lifetime {
						cache.Delete(key)
					}
					return true
				})
			}
		}, func() { cache.Range(func(key, _ interface{}) bool { cache.Delete(key); return true }) })
	})
}

func report(b *testing.B, keep func(int, leak.Document), empty func()) {
	var peak, half, end float64
	for range b.N {
		before := liveBytes()
		for i := range documents {
			keep(i, leak.Decode(i))
			if (i+1)%250 == 0 {
				end = liveBytes() - before
				peak = max(peak, end)
			}
			if i+1 == documents/2 {
				half = end
			}
		}
		empty()
	}
	b.ReportMetric(peak, "peak-B")
	b.ReportMetric(half, "live-at-half-B")
	b.ReportMetric(end, "live-at-end-B")
}
