// Writes an execution trace that has a bit of everything: channels, mutexes, select, timers,
// network, system calls, GC with assists, tasks, regions, logs, CPU samples.
//
// Usage: mixed OUT ROUNDS [cpu]
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

var sink [][]byte

func channels(n int) {
	c := make(chan int)
	d := make(chan int, 2)
	var wg sync.WaitGroup
	wg.Add(3)
	go func() {
		defer wg.Done()
		for i := 0; i < n; i++ {
			c <- i
		}
		close(c)
	}()
	go func() {
		defer wg.Done()
		for v := range c {
			d <- v
		}
		close(d)
	}()
	go func() {
		defer wg.Done()
		t := time.NewTimer(time.Hour)
		for {
			select {
			case _, ok := <-d:
				if !ok {
					return
				}
			case <-t.C:
			}
		}
	}()
	wg.Wait()
}

func locks(n int) {
	var mu sync.Mutex
	m := map[int]string{}
	var wg sync.WaitGroup
	for w := 0; w < 4; w++ {
		wg.Add(1)
		go func(w int) {
			defer wg.Done()
			for i := 0; i < n; i++ {
				mu.Lock()
				m[i*w] = fmt.Sprint(i)
				if i%50 == 0 {
					time.Sleep(20 * time.Microsecond)
				}
				mu.Unlock()
			}
		}(w)
	}
	wg.Wait()
}

func network(n int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		io.Copy(c, c)
		c.Close()
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	buf := make([]byte, 64)
	for i := 0; i < n; i++ {
		c.Write(buf)
		io.ReadFull(c, buf)
	}
	c.Close()
}

func syscalls(n int) {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		buf := make([]byte, 8)
		for i := 0; i < n; i++ {
			r.Read(buf)
		}
	}()
	for i := 0; i < n; i++ {
		w.Write([]byte("12345678"))
		if f, err := os.Open("/proc/self/stat"); err == nil {
			b := make([]byte, 512)
			f.Read(b)
			f.Close()
		}
	}
	wg.Wait()
}

func garbage(n int) {
	var wg sync.WaitGroup
	for w := 0; w < 3; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			m := map[string][]byte{}
			for i := 0; i < n; i++ {
				m[strconv.Itoa(i)] = make([]byte, 1024)
			}
			sink = append(sink, m["1"])
		}()
	}
	wg.Wait()
	runtime.GC()
	sink = nil
}

func annotations(parent context.Context, n int) {
	ctx, task := trace.NewTask(parent, "round")
	defer task.End()
	for i := 0; i < n; i++ {
		trace.WithRegion(ctx, "outer \"quoted\"", func() {
			defer trace.StartRegion(ctx, "inner").End()
			trace.Log(ctx, "key", fmt.Sprintf("värde\t%d", i))
		})
		child, sub := trace.NewTask(ctx, "child")
		go func() {
			trace.Logf(child, "", "from goroutine %d", i)
			sub.End()
		}()
	}
}

func spin(d time.Duration) int {
	x := 0
	for end := time.Now().Add(d); time.Now().Before(end); {
		for i := 0; i < 1000; i++ {
			x += i * i
		}
	}
	return x
}

func main() {
	f, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	rounds, _ := strconv.Atoi(os.Args[2])
	ctx, before := trace.NewTask(context.Background(), "before the trace")
	open := trace.StartRegion(ctx, "open before the trace")
	block := make(chan int)
	go func() { <-block }()
	time.Sleep(time.Millisecond)
	if len(os.Args) > 3 {
		if err := pprof.StartCPUProfile(io.Discard); err != nil {
			panic(err)
		}
		defer pprof.StopCPUProfile()
	}
	if err := trace.Start(f); err != nil {
		panic(err)
	}
	_, unfinished := trace.NewTask(context.Background(), "unfinished")
	_ = unfinished
	open.End()
	for i := 0; i < rounds; i++ {
		channels(60)
		locks(120)
		network(20)
		syscalls(30)
		garbage(3000)
		annotations(ctx, 5)
		if len(os.Args) > 3 {
			spin(60 * time.Millisecond)
		}
		old := runtime.GOMAXPROCS(0)
		runtime.GOMAXPROCS(old + 1)
		runtime.GOMAXPROCS(old)
	}
	before.End()
	trace.Stop()
	f.Close()
}
