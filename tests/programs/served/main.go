// A service with net/http/pprof on loopback that fills a map and blocks goroutines until it is stopped.
// It prints its address.
package main

import (
	"fmt"
	"math"
	"net"
	"net/http"
	_ "net/http/pprof"
	"runtime"
	"sync"
	"time"
)

var (
	mu   sync.Mutex
	kept = map[int][]byte{}
)

func fill(pause time.Duration, count int) {
	for i := 0; i < count; i++ {
		mu.Lock()
		kept[i] = make([]byte, 256)
		mu.Unlock()
		time.Sleep(pause)
	}
}

func main() {
	runtime.MemProfileRate = 512
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
	fill(0, 20_000)
	// A heap profile shows what was allocated before the last collection but one.
	runtime.GC()
	runtime.GC()
	go fill(50*time.Microsecond, math.MaxInt)
	go fill(50*time.Microsecond, math.MaxInt)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/elsewhere/debug/pprof/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
	})
	fmt.Println(listener.Addr())
	panic(http.Serve(listener, nil))
}
