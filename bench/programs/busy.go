// Writes a large execution trace: many goroutines that hand work to each other through channels,
// locks and wait groups from many call sites, with system calls and allocation. It pauses after each
// 2 MB in a tenth of a second: the runtime begins a generation a second, and these are to be alike
// however long the trace gets.
//
// Usage: busy OUT MEGABYTES
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

const (
	tick    = 100 * time.Millisecond
	perTick = 2 << 20
)

var (
	stop  atomic.Bool
	pause atomic.Bool
	shard [16]struct {
		sync.Mutex
		m map[int][]byte
	}
)

type counter struct {
	f *os.File
	n atomic.Int64
}

func (c *counter) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return c.f.Write(b)
}

// goesOn says whether the caller is to do more, after a pause if there is one.
func goesOn() bool {
	for pause.Load() {
		time.Sleep(tick / 20)
	}
	return !stop.Load()
}

func deep(n int, f func()) {
	if n == 0 {
		f()
		return
	}
	deep(n-1, f)
}

func store(i int) {
	s := &shard[i&15]
	s.Lock()
	defer s.Unlock()
	if s.m == nil || len(s.m) > 1000 {
		s.m = map[int][]byte{}
	}
	s.m[i] = make([]byte, 64)
}

func pair(depth int) {
	a, b := make(chan int), make(chan int)
	go func() {
		for v := range a {
			deep(depth, func() { b <- v + 1 })
		}
		close(b)
	}()
	for i := 0; goesOn(); i++ {
		deep(depth, func() { a <- i })
		v := <-b
		if v%64 == 0 {
			store(v)
		}
	}
	close(a)
	<-b
}

func fan() {
	for i := 0; goesOn(); i++ {
		var wg sync.WaitGroup
		for k := 0; k < 8; k++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				store(i*8 + k)
			}()
		}
		wg.Wait()
		if i%16 == 0 {
			time.Sleep(50 * time.Microsecond)
		}
	}
}

func calls() {
	buf := make([]byte, 16)
	f, err := os.Open("/dev/zero")
	if err != nil {
		panic(err)
	}
	for goesOn() {
		for i := 0; i < 20; i++ {
			f.Read(buf)
		}
		time.Sleep(20 * time.Microsecond)
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
	for i := 0; i < 24; i++ {
		wg.Add(1)
		go func() { defer wg.Done(); pair(i) }()
	}
	for i := 0; i < 4; i++ {
		wg.Add(2)
		go func() { defer wg.Done(); fan() }()
		go func() { defer wg.Done(); calls() }()
	}
	total := int64(megabytes * (1 << 20))
	began, next := int64(0), time.Now().Add(tick)
	for out.n.Load() < total {
		time.Sleep(tick / 100)
		if time.Now().After(next) {
			began, next = out.n.Load(), next.Add(tick)
		}
		pause.Store(out.n.Load()-began >= perTick)
	}
	stop.Store(true)
	pause.Store(false)
	wg.Wait()
	trace.Stop()
	if err := f.Close(); err != nil {
		panic(err)
	}
	fmt.Println(out.n.Load(), "bytes")
}
