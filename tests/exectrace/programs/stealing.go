// Writes a trace full of blocking system calls, so that processors are stolen from threads,
// on more threads than processors. The last of several sessions goes to OUT, so that at its
// start goroutines are in every state.
//
// Usage: stealing OUT THREADS MILLISECONDS
package main

import (
	"io"
	"os"
	"runtime"
	"runtime/trace"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	f, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	threads, _ := strconv.Atoi(os.Args[2])
	milliseconds, _ := strconv.Atoi(os.Args[3])
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := 0; i < threads; i++ {
		var pipe [2]int
		if err := syscall.Pipe(pipe[:]); err != nil {
			panic(err)
		}
		wg.Add(2)
		go func() {
			defer wg.Done()
			if i%2 == 0 {
				runtime.LockOSThread()
			}
			buf := make([]byte, 1)
			for {
				n, err := syscall.Read(pipe[0], buf)
				if n == 0 || err != nil {
					return
				}
			}
		}()
		go func() {
			defer wg.Done()
			for k := 0; !stop.Load(); k++ {
				syscall.Write(pipe[1], []byte{1})
				switch (i + k) % 4 {
				case 0:
					time.Sleep(time.Duration(50+i) * time.Microsecond)
				case 1:
					ts := syscall.Timespec{Nsec: int64(20000 * (1 + i%7))}
					syscall.Nanosleep(&ts, nil)
				case 2:
					runtime.Gosched()
				}
			}
			syscall.Close(pipe[1])
		}()
	}
	session := func(w io.Writer) {
		if err := trace.Start(w); err != nil {
			panic(err)
		}
		time.Sleep(time.Duration(milliseconds) * time.Millisecond)
		trace.Stop()
	}
	for i := 0; i < 5; i++ {
		session(io.Discard)
	}
	session(f)
	stop.Store(true)
	wg.Wait()
	f.Close()
}
