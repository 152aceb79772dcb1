// Serves requests from itself for some seconds, and writes into the folder named by its first argument what a
// build in CI would keep of it:
//
//	trace.out, cpu.pb.gz, block.pb.gz, mutex.pb.gz, heap.pb.gz, heap.txt
//
// The second argument is the seconds, the third the requests a second (0: as many as can be), the fourth the megabytes
// that live on. GOGC comes from the environment. Builds with Go 1.21 and later.
package main

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

const workers = 4

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func number(argument int) int {
	n, err := strconv.Atoi(os.Args[argument])
	check(err)
	return n
}

func create(name string) *os.File {
	f, err := os.Create(filepath.Join(os.Args[1], name))
	check(err)
	return f
}

func write(profile, name string, level int) {
	f := create(name)
	check(pprof.Lookup(profile).WriteTo(f, level))
	check(f.Close())
}

// serve lets the workers handle requests for some time, at most so many a second.
func serve(s *shop, seconds, rate int) {
	requests := make(chan int, workers)
	var wg sync.WaitGroup
	for w := 0; w < workers; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := range requests {
				s.handle(n)
			}
		}()
	}
	start := time.Now()
	end := start.Add(time.Duration(seconds) * time.Second)
	for n := 0; time.Now().Before(end); n++ {
		requests <- n
		if rate > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(n) * time.Second / time.Duration(rate))))
		}
	}
	close(requests)
	wg.Wait()
}

func main() {
	runtime.SetBlockProfileRate(1000)
	runtime.SetMutexProfileFraction(1)
	s := newShop(number(4))
	runtime.GC()
	traced, sampled := create("trace.out"), create("cpu.pb.gz")
	check(trace.Start(traced))
	check(pprof.StartCPUProfile(sampled))
	serve(s, number(2), number(3))
	pprof.StopCPUProfile()
	trace.Stop()
	check(traced.Close())
	check(sampled.Close())
	runtime.GC()
	write("heap", "heap.pb.gz", 0)
	write("heap", "heap.txt", 1)
	write("block", "block.pb.gz", 0)
	write("mutex", "mutex.pb.gz", 0)
	runtime.KeepAlive(s)
}
