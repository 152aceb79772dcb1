package bench

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"testing"
)

// clone is the yardstick: what a copy of the table costs.
func BenchmarkFmtCopies(b *testing.B) {
	m := table()
	b.Run("clone", func(b *testing.B) {
		for range b.N {
			keptMap = maps.Clone(m)
		}
	})
	b.Run("sprintf", func(b *testing.B) {
		for range b.N {
			keptText = fmt.Sprintf("%v", m)
		}
	})
	b.Run("marshal", func(b *testing.B) {
		for range b.N {
			keptBytes, _ = json.Marshal(m)
		}
	})
	b.Run("reflect-range", func(b *testing.B) {
		for range b.N {
			for each := reflect.ValueOf(m).MapRange(); each.Next(); {
				keptInt += int(each.Value().Int())
			}
		}
	})
}
