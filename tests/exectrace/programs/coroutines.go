// Writes a trace of coroutines (iter.Pull, Go 1.23 on): switches, early stops, ends, nested ones.
//
// Usage: coroutines OUT ROUNDS
package main

import (
	"iter"
	"os"
	"runtime/trace"
	"strconv"
	"sync"
)

func numbers(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i < n; i++ {
			if !yield(i) {
				return
			}
		}
	}
}

func doubled(in iter.Seq[int]) iter.Seq[int] {
	return func(yield func(int) bool) {
		next, stop := iter.Pull(in)
		defer stop()
		for {
			v, ok := next()
			if !ok || !yield(2*v) {
				return
			}
		}
	}
}

func main() {
	f, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	rounds, _ := strconv.Atoi(os.Args[2])
	early, stopEarly := iter.Pull(numbers(1000))
	early()
	if err := trace.Start(f); err != nil {
		panic(err)
	}
	var wg sync.WaitGroup
	for w := 0; w < 4; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for r := 0; r < rounds; r++ {
				next, stop := iter.Pull(doubled(numbers(20 + r)))
				for i := 0; i < 15+r; i++ {
					next()
				}
				stop()
			}
		}()
	}
	for i := 0; i < 50; i++ {
		early()
	}
	stopEarly()
	wg.Wait()
	trace.Stop()
	f.Close()
}
