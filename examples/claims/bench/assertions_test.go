package bench

import (
	"testing"

	"claimslab/assertions"
)

// How often each kind of assertion panics, when the key is missing and when its value has another type.
func BenchmarkSsaRule(b *testing.B) {
	for _, each := range assertions.Cases {
		for _, given := range []struct {
			name string
			m    map[string]interface{}
		}{
			{"missing", map[string]interface{}{}},
			{"other-type", map[string]interface{}{"count": "many"}},
		} {
			b.Run(each.Name+"/"+given.name, func(b *testing.B) {
				var sum float64
				for range b.N {
					sum += panics(func() { each.Assert(given.m) })
				}
				b.ReportMetric(sum/float64(b.N), "panics/op")
			})
		}
	}
}
