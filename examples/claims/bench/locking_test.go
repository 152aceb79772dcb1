package bench

import (
	"sync"
	"testing"

	"claimslab/locked"
)

// store is what the three maps have in common in typed use.
type store interface {
	Load(key int) (int, bool)
	Store(key, value int)
}

type viaSyncMap struct{ m sync.Map }

func (s *viaSyncMap) Load(key int) (int, bool) {
	value, ok := s.m.Load(key)
	if !ok {
		return 0, false
	}
	return value.(int), true
}

func (s *viaSyncMap) Store(key, value int) { s.m.Store(key, value) }

type viaMutex struct {
	mutex sync.Mutex
	m     map[int]int
}

func (s *viaMutex) Load(key int) (int, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	value, ok := s.m[key]
	return value, ok
}

func (s *viaMutex) Store(key, value int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.m[key] = value
}

func BenchmarkMapref(b *testing.B) {
	const keys = 1 << 14
	for _, mix := range []struct {
		name   string
		writes int // of 16 operations
	}{{"reads", 1}, {"writes", 8}} {
		run := func(name string, s store) {
			b.Run(name+"/"+mix.name, func(b *testing.B) {
				for key := range keys {
					s.Store(key, key+1000)
				}
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for i := 0; pb.Next(); i++ {
						key := i * 7919 % keys
						if i%16 < mix.writes {
							s.Store(key, i+1000)
						} else if _, ok := s.Load(key); !ok {
							panic("a key is missing")
						}
					}
				})
			})
		}
		run("rwmutex", &locked.Map[int, int]{})
		run("mutex", &viaMutex{m: map[int]int{}})
		run("syncmap", &viaSyncMap{})
	}
	// A value of the wrong type: the generic wrapper would not compile.
	b.Run("syncmap/wrong-type", func(b *testing.B) {
		var sum float64
		for range b.N {
			var s viaSyncMap
			s.m.Store(1, "text")
			sum += panics(func() { s.Load(1) })
		}
		b.ReportMetric(sum/float64(b.N), "panics/op")
	})
}
