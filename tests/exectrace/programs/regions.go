// Command regions misuses regions of runtime/trace: one ends on another goroutine, one before one inside it, one twice.
//
//	regions OUT
package main

import (
	"context"
	"os"
	"runtime/trace"
	"sync"
	"time"
)

func main() {
	f, _ := os.Create(os.Args[1])
	trace.Start(f)
	ctx, task := trace.NewTask(context.Background(), "job")
	trace.WithRegion(ctx, "good-before", func() { time.Sleep(time.Millisecond) })
	// Ended on another goroutine.
	r := trace.StartRegion(ctx, "crossed")
	var wg sync.WaitGroup
	wg.Add(1)
	go func() { defer wg.Done(); r.End() }()
	wg.Wait()
	// Out of order.
	a := trace.StartRegion(ctx, "outer")
	b := trace.StartRegion(ctx, "inner")
	a.End()
	b.End()
	// Ended twice.
	c := trace.StartRegion(ctx, "twice")
	c.End()
	c.End()
	trace.WithRegion(ctx, "good-after", func() { time.Sleep(2 * time.Millisecond) })
	task.End()
	trace.Stop()
	f.Close()
}
