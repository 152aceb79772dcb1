// Writes every profile and dump that runtime/pprof knows, into the folder named by its argument.
// Builds with Go 1.21 and later.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"time"
)

type session struct {
	id    int
	names map[string]int
}

var (
	keep    []*session
	mu      sync.Mutex
	rw      sync.RWMutex
	shared  = map[int]string{}
	counter = map[int]int{}
)

func newSession(i int) *session {
	s := &session{id: i, names: make(map[string]int)}
	for j := 0; j < 20; j++ {
		s.names[fmt.Sprint("name", j)] = j
	}
	return s
}

func put(i int) { shared[i] = fmt.Sprint("value", i) } // inlined into its callers

func contend(workers int) {
	var wg sync.WaitGroup
	for w := 0; w < workers; w++ {
		wg.Add(1)
		go func(w int) {
			defer wg.Done()
			for i := 0; i < 50; i++ {
				mu.Lock()
				put(w*1000 + i)
				time.Sleep(10 * time.Microsecond)
				mu.Unlock()
				rw.RLock()
				time.Sleep(5 * time.Microsecond)
				rw.RUnlock()
				rw.Lock()
				counter[i]++
				rw.Unlock()
			}
		}(w)
	}
	wg.Wait()
}

func burn(until time.Time) (sum int) {
	for time.Now().Before(until) {
		for i := 0; i < 10000; i++ {
			counter[i%100] += i
			sum += counter[i%7]
		}
	}
	return sum
}

func write(folder, name, profile string, debug int) {
	f, err := os.Create(filepath.Join(folder, name))
	check(err)
	check(pprof.Lookup(profile).WriteTo(f, debug))
	check(f.Close())
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func park(stop chan struct{}) {
	for i := 0; i < 3; i++ {
		go func() { <-stop }()
	}
	go func() {
		runtime.LockOSThread()
		select {
		case <-stop:
		case <-time.After(time.Hour):
		}
	}()
	go func() {
		pprof.Do(context.Background(), pprof.Labels("route", "/items", "user", "7"), func(context.Context) { <-stop })
	}()
	go func() { var wg sync.WaitGroup; wg.Add(1); wg.Wait() }()
	go func() { mu.Lock(); <-stop }()
	time.Sleep(time.Millisecond)
	go func() { mu.Lock() }()
	time.Sleep(10 * time.Millisecond)
}

func main() {
	runtime.MemProfileRate = 4096
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
	folder := os.Args[1]

	cpu, err := os.Create(filepath.Join(folder, "cpu.pb.gz"))
	check(err)
	check(pprof.StartCPUProfile(cpu))
	pprof.Do(context.Background(), pprof.Labels("phase", "burn"), func(context.Context) { burn(time.Now().Add(300 * time.Millisecond)) })
	for i := 0; i < 2000; i++ {
		s := newSession(i)
		if i%3 == 0 {
			keep = append(keep, s)
		}
	}
	contend(4)
	pprof.StopCPUProfile()
	check(cpu.Close())

	custom := pprof.NewProfile("open_sessions")
	for _, s := range keep[:10] {
		custom.Add(s, 0)
	}
	runtime.GC()
	// A heap profile shows what the last GC cycle published: without another, all three are of one moment.
	debug.SetGCPercent(-1)
	write(folder, "heap.pb.gz", "heap", 0)
	write(folder, "heap.txt", "heap", 1)
	write(folder, "allocs.pb.gz", "allocs", 0)
	stop := make(chan struct{})
	park(stop)
	for _, name := range []string{"block", "mutex", "goroutine", "threadcreate", "open_sessions"} {
		write(folder, name+".pb.gz", name, 0)
		write(folder, name+".txt", name, 1)
	}
	write(folder, "goroutines.txt", "goroutine", 2)
	runtime.KeepAlive(keep)
}
