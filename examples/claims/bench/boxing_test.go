package bench

import (
	"reflect"
	"runtime"
	"strconv"
	"testing"
)

//go:noinline
func takeMap(m map[string]int) { keptInt += len(m) }

//go:noinline
func takeAny(v interface{}) { keptInt += len(v.(map[string]int)) }

//go:noinline
func keepAny(v interface{}) { keptAny = v }

//go:noinline
func keepMap(m map[string]int) { keptMap = m }

//go:noinline
func keepPointer(m *map[string]int) { keptPointer = m }

//go:noinline
func keepGetter(g getter) { keptGetter = g }

// getter is the small interface that is advised instead of interface{}.
type getter interface{ Get(key string) int }

type named map[string]int

func (n named) Get(key string) int { return n[key] }

func BenchmarkIfaceDeepCopy(b *testing.B) {
	m := table()
	b.Run("direct", func(b *testing.B) {
		for range b.N {
			takeMap(m)
		}
	})
	b.Run("interface", func(b *testing.B) {
		for range b.N {
			takeAny(m)
		}
	})
	b.Run("escaping", func(b *testing.B) {
		for range b.N {
			keepAny(m)
		}
	})
	b.Run("reflect", func(b *testing.B) {
		for range b.N {
			keptInt += reflect.ValueOf(m).Len()
		}
	})
}

// A write through the interface shows in the map if both are one table.
func BenchmarkIfacePointerOnly(b *testing.B) {
	m := filled(1000)
	b.Run("convert", func(b *testing.B) {
		shared := 0
		for i := range b.N {
			keepAny(m)
			keptAny.(map[string]int)["key-0"] = -i
			if m["key-0"] == -i {
				shared++
			}
		}
		b.ReportMetric(float64(shared)/float64(b.N), "shared-writes/op")
	})
}

// The same with and without the compiler's optimisations (-gcflags='-N -l' -tags unoptimised).
func BenchmarkIfaceSince110(b *testing.B) {
	m := table()
	b.Run(compiled, func(b *testing.B) {
		for range b.N {
			keepAny(m)
		}
	})
}

func BenchmarkPassPointer(b *testing.B) {
	m := table()
	b.Run("empty-interface", func(b *testing.B) {
		for range b.N {
			keepAny(m)
		}
	})
	b.Run("map", func(b *testing.B) {
		for range b.N {
			keepMap(m)
		}
	})
	b.Run("pointer", func(b *testing.B) {
		for range b.N {
			own := m // a map variable of the caller's, as a request has it
			keepPointer(&own)
		}
	})
	b.Run("small-interface", func(b *testing.B) {
		for range b.N {
			keepGetter(named(m))
		}
	})
}

// Keys written through the interface, enough to grow the table several times, that the map then lacks.
func BenchmarkIfaceLosesHeader(b *testing.B) {
	const written = 5000
	lost := func(write func(v interface{}, key string, value int)) float64 {
		m := map[string]int{}
		for i := range written {
			write(m, strconv.Itoa(i), i)
		}
		return float64(written - len(m))
	}
	b.Run("asserted", func(b *testing.B) {
		var sum float64
		for range b.N {
			sum += lost(func(v interface{}, key string, value int) { v.(map[string]int)[key] = value })
		}
		b.ReportMetric(sum/float64(b.N), "lost-keys/op")
	})
	b.Run("reflect", func(b *testing.B) {
		var sum float64
		for range b.N {
			sum += lost(func(v interface{}, key string, value int) {
				reflect.ValueOf(v).SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(value))
			})
		}
		b.ReportMetric(sum/float64(b.N), "lost-keys/op")
	})
}

func BenchmarkBench2Allocs(b *testing.B) {
	m := table()
	measure := func(b *testing.B, pass func()) {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range b.N {
			pass()
		}
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapInuse)-float64(before.HeapInuse), "heap-inuse-delta-B")
	}
	b.Run("direct", func(b *testing.B) { measure(b, func() { keepMap(m) }) })
	b.Run("interface", func(b *testing.B) { measure(b, func() { keepAny(m) }) })
}

// What is alive when goroutines have held a map since before it grew.
func BenchmarkSharedIfaceBloat(b *testing.B) {
	const holders = 64
	measure := func(b *testing.B, hold func(m map[string]int, until chan struct{}, ready chan<- bool)) {
		var live float64
		for range b.N {
			before := liveBytes()
			m := filled(1000)
			until, ready := make(chan struct{}), make(chan bool)
			for range holders {
				go hold(m, until, ready)
				<-ready
			}
			for i := range entries {
				m["key-"+strconv.Itoa(i)] = i
			}
			live += liveBytes() - before
			close(until)
			for range holders {
				<-ready
			}
			keptInt += len(m)
		}
		b.ReportMetric(live/float64(b.N), "live-B")
	}
	b.Run("direct", func(b *testing.B) {
		measure(b, func(m map[string]int, until chan struct{}, ready chan<- bool) {
			ready <- true
			<-until
			ready <- len(m) > 0
		})
	})
	b.Run("interface", func(b *testing.B) {
		measure(b, func(m map[string]int, until chan struct{}, ready chan<- bool) {
			holdAny(m, until, ready)
		})
	})
}

//go:noinline
func holdAny(v interface{}, until chan struct{}, ready chan<- bool) {
	ready <- true
	<-until
	ready <- len(v.(map[string]int)) > 0
}
