// Ends badly, in the way that its argument names, with goroutines waiting for different things.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

type tree struct{ left *tree }

func (t *tree) depth(n int) int {
	if n == 0 {
		panic(fmt.Errorf("too deep"))
	}
	return t.depth(n-1) + 1
}

func wait(mu *sync.Mutex, nothing chan int) {
	for i := 0; i < 3; i++ {
		go func() { mu.Lock() }()
	}
	go func() { select {} }()
	go func() { <-nothing }()
	go func() {
		runtime.LockOSThread()
		var c chan int
		<-c
	}()
	time.Sleep(20 * time.Millisecond)
}

func main() {
	var mu sync.Mutex
	mu.Lock()
	wait(&mu, make(chan int))
	switch os.Args[1] {
	case "panic":
		defer func() { panic("again") }()
		(&tree{nil}).depth(200)
	case "maps":
		m := map[int]int{}
		for g := 0; g < 4; g++ {
			go func() {
				for i := 0; ; i++ {
					m[i%100] = i
				}
			}()
		}
		time.Sleep(time.Second)
	case "quit":
		syscall.Kill(os.Getpid(), syscall.SIGQUIT)
		time.Sleep(time.Second)
	case "deadlock":
		mu.Lock()
	}
}
