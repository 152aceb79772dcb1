// Writes a trace of several generations (one a second) in which tasks, regions, waits, system
// calls and a GC cycle lie across the borders.
//
// Usage: generations OUT SECONDS
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

var keep [][]byte

func main() {
	f, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	seconds, _ := strconv.ParseFloat(os.Args[2], 64)
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	if err := trace.Start(f); err != nil {
		panic(err)
	}
	ctx, task := trace.NewTask(context.Background(), "whole")
	region := trace.StartRegion(ctx, "whole region")
	r, w, _ := os.Pipe()
	go r.Read(make([]byte, 1))
	forever := make(chan int)
	go func() { <-forever }()
	var wg sync.WaitGroup
	for g := 0; g < 3; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; time.Now().Before(end); i++ {
				sub, t := trace.NewTask(ctx, fmt.Sprintf("task %d", i%7))
				trace.WithRegion(sub, "sleep", func() { time.Sleep(time.Duration(300+100*g) * time.Microsecond) })
				trace.Log(sub, "i", strconv.Itoa(i))
				t.End()
			}
		}()
	}
	wg.Add(1)
	go func() {
		defer wg.Done()
		m := map[int][]byte{}
		for i := 0; time.Now().Before(end); i++ {
			m[i%50000] = make([]byte, 256)
			if i%5000 == 0 {
				runtime.Gosched()
				time.Sleep(5 * time.Millisecond)
			}
		}
		keep = append(keep, m[0])
	}()
	wg.Wait()
	region.End()
	task.End()
	trace.Stop()
	w.Close()
	f.Close()
}
