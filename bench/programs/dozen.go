// Writes a large execution trace of a dozen goroutines that do nothing but hand things to each other:
// a ring of channels, a lock that four of them want, and a condition that two wait for in turns.
//
// Usage: dozen OUT MEGABYTES
package main

import (
	"fmt"
	"os"
	"runtime/trace"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

var stop atomic.Bool

type counter struct {
	f *os.File
	n atomic.Int64
}

func (c *counter) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return c.f.Write(b)
}

// ring passes a number around six goroutines.
func ring(wg *sync.WaitGroup) {
	var links [6]chan int
	for i := range links {
		links[i] = make(chan int)
	}
	for i := range links {
		from, to := links[i], links[(i+1)%len(links)]
		wg.Add(1)
		go func() {
			defer wg.Done()
			for v := range from {
				if v < 0 || stop.Load() {
					break
				}
				to <- v + 1
			}
			close(to)
		}()
	}
	links[0] <- 0
}

// contend has four goroutines work under one lock.
func contend(wg *sync.WaitGroup) {
	var mu sync.Mutex
	table := map[int]int{}
	for i := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; !stop.Load(); n++ {
				mu.Lock()
				for k := range 20 {
					table[(n+k)&255] += i
				}
				mu.Unlock()
				if n%64 == 0 {
					time.Sleep(time.Microsecond)
				}
			}
		}()
	}
}

// turns has two goroutines wait for each other.
func turns(wg *sync.WaitGroup) {
	var mu sync.Mutex
	cond := sync.NewCond(&mu)
	turn := 0
	for i := range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mu.Lock()
			defer mu.Unlock()
			for !stop.Load() {
				for turn != i && !stop.Load() {
					cond.Wait()
				}
				turn = 1 - i
				cond.Signal()
			}
			cond.Broadcast()
		}()
	}
}

func main() {
	f, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	megabytes, err := strconv.ParseFloat(os.Args[2], 64)
	if err != nil {
		panic(err)
	}
	out := &counter{f: f}
	if err := trace.Start(out); err != nil {
		panic(err)
	}
	var wg sync.WaitGroup
	ring(&wg)
	contend(&wg)
	turns(&wg)
	for out.n.Load() < int64(megabytes*(1<<20)) {
		time.Sleep(10 * time.Millisecond)
	}
	stop.Store(true)
	wg.Wait()
	trace.Stop()
	if err := f.Close(); err != nil {
		panic(err)
	}
	fmt.Println(out.n.Load(), "bytes")
}
