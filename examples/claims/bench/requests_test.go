package bench

import (
	"testing"

	"claimslab/request"
)

func BenchmarkCtxMapCost(b *testing.B) {
	b.Run("map", func(b *testing.B) {
		for i := range b.N {
			keptInt += request.WithMap(i)
		}
	})
	b.Run("struct", func(b *testing.B) {
		for i := range b.N {
			keptInt += request.WithStruct(i)
		}
	})
	b.Run("pool", func(b *testing.B) {
		for i := range b.N {
			keptInt += request.WithPool(i)
		}
	})
}
