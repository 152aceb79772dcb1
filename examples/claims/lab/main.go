// Lab runs what is claimed of maps and writes what Go itself says about it: lab <experiment> <file>….
// A trace says by a log message of the category claim which claim it is for.
package main

import (
	"context"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"time"

	"claimslab/leak"
	"claimslab/locked"
	"claimslab/request"
)

// Where maps are kept for as long as they are of use.
var kept interface{}

func main() {
	runtime.MemProfileRate = 512
	files := os.Args[2:]
	switch os.Args[1] {
	case "leak":
		leaks(files[0], files[1])
	case "crash":
		unlocked()
	case "contend":
		traced(files[0], "trace-spin", contend)
	case "grow":
		debug.SetGCPercent(-1) // the heap then shows allocations alone
		traced(files[0], "trace-mallocgc", grow)
	case "assist":
		debug.SetGCPercent(20)
		traced(files[0], "grow-allocates", assist)
	case "requests":
		traced(files[0], "ctx-map-cost", requests)
	default:
		log.Fatalf("no experiment %q", os.Args[1])
	}
}

func traced(path, claim string, experiment func(context.Context)) {
	file, err := os.Create(path)
	check(err)
	check(trace.Start(file))
	ctx := context.Background()
	trace.Log(ctx, "claim", claim)
	experiment(ctx)
	trace.Stop()
	check(file.Close())
}

// leaks writes a heap profile of the leak beside much garbage, and the goroutines that are in it.
func leaks(heap, goroutines string) {
	cache := &leak.Cache{Remembered: make(chan bool)}
	cache.Convert(100)
	leak.Churn(1000)
	go cache.Remember(0, 1500)
	time.Sleep(time.Second) // it is then waiting in Remember, or still at work there
	dump, err := os.Create(goroutines)
	check(err)
	check(pprof.Lookup("goroutine").WriteTo(dump, 2))
	check(dump.Close())
	<-cache.Remembered
	runtime.GC()
	runtime.GC() // a heap profile is as of the last GC but one
	profile, err := os.Create(heap)
	check(err)
	check(pprof.Lookup("heap").WriteTo(profile, 0))
	check(profile.Close())
	kept = cache
	log.Printf("%d kept", cache.Documents())
}

// unlocked lets writers at one map at the same time. If the runtime does not end it, it says so by a dump.
func unlocked() {
	m := map[int]int{}
	var writers sync.WaitGroup
	for writer := range 4 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			for i := range 10_000_000 {
				m[i%1000] = writer
			}
		}()
	}
	writers.Wait()
	check(pprof.Lookup("goroutine").WriteTo(os.Stderr, 2))
}

// contend lets writers and readers at one map behind a lock.
func contend(context.Context) {
	shared := &locked.Map[int, int]{}
	shared.Store(0, 0)
	var done sync.WaitGroup
	for worker := range 8 {
		done.Add(1)
		go func() {
			defer done.Done()
			for i := range 100_000 {
				if worker%2 == 0 {
					shared.Store(i%5000, i)
				} else {
					shared.Load(i % 5000)
				}
			}
		}()
	}
	done.Wait()
}

const steps = 100

// grow fills a map in steps that the trace tells apart; then as many objects of one size, to compare with.
func grow(ctx context.Context) {
	const perStep = 4000
	m := map[int64]int64{}
	for step := range steps {
		trace.Log(ctx, "map", strconv.Itoa(step))
		for i := range int64(perStep) {
			m[int64(step)*perStep+i] = i
		}
	}
	trace.Log(ctx, "map", "end")
	var list *node
	for step := range steps {
		trace.Log(ctx, "list", strconv.Itoa(step))
		for range perStep {
			list = &node{next: list}
		}
	}
	trace.Log(ctx, "list", "end")
	kept = []interface{}{m, list}
}

type node struct {
	next  *node
	value [5]int64
}

// assist grows maps while the collector is always at work.
func assist(context.Context) {
	for range 6 {
		m := map[int64]*node{}
		for i := range int64(100_000) {
			m[i] = nil
		}
		kept = m
	}
}

// requests serves 5000 requests a second.
func requests(context.Context) {
	size := 0
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 300 {
		<-tick.C
		for i := range 50 {
			size += request.WithMap(i)
		}
	}
	kept = size
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
