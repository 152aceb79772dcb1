package bench

import (
	"runtime"
	"strconv"
	"sync"
)

const entries = 100_000

// table returns the one big map that the benchmarks pass around and leave as it is.
var table = sync.OnceValue(func() map[string]int {
	return filled(entries)
})

func filled(n int) map[string]int {
	m := make(map[string]int, n)
	for i := range n {
		m["key-"+strconv.Itoa(i)] = i
	}
	return m
}

// Where values escape to.
var (
	keptAny     interface{}
	keptPointer *map[string]int
	keptMap     map[string]int
	keptGetter  getter
	keptText    string
	keptBytes   []byte
	keptInt     int
)

// liveBytes returns what is reachable now.
func liveBytes() float64 {
	runtime.GC()
	runtime.GC() // the first only begins to free what has finalizers or lies in pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// panics returns 1 if call panics, else 0.
func panics(call func()) (count float64) {
	defer func() {
		if recover() != nil {
			count = 1
		}
	}()
	call()
	return 0
}
