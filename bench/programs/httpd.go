// Writes a large execution trace of an HTTP server and its clients over loopback: network waits, system
// calls, garbage collection, a cache under a lock, and a task with two regions for each request.
//
// Usage: httpd OUT MEGABYTES
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/trace"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const clients = 32

var (
	stop  atomic.Bool
	cache struct {
		sync.Mutex
		m map[string][]byte
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

type order struct {
	ID    int
	Items []string
	Notes map[string]string
}

func handle(w http.ResponseWriter, r *http.Request) {
	ctx, task := trace.NewTask(r.Context(), "order")
	defer task.End()
	id := r.URL.Query().Get("id")
	var body []byte
	trace.WithRegion(ctx, "encode", func() {
		o := order{ID: len(id), Notes: map[string]string{"id": id}}
		for i := range 20 {
			o.Items = append(o.Items, fmt.Sprintf("item %d of %s", i, id))
		}
		body, _ = json.Marshal(o)
	})
	trace.WithRegion(ctx, "store", func() {
		cache.Lock()
		defer cache.Unlock()
		if len(cache.m) > 2000 {
			cache.m = map[string][]byte{}
		}
		cache.m[id] = bytes.Clone(body)
	})
	if len(id)%4 == 0 {
		if f, err := os.Open("/dev/zero"); err == nil {
			io.ReadFull(f, make([]byte, 512))
			f.Close()
		}
	}
	trace.Log(ctx, "bytes", strconv.Itoa(len(body)))
	w.Write(body)
}

func client(url string, seed int) {
	transport := &http.Transport{MaxIdleConnsPerHost: 1}
	c := http.Client{Transport: transport}
	for i := seed; !stop.Load(); i += clients {
		req, _ := http.NewRequestWithContext(context.Background(), "GET", fmt.Sprintf("%s/?id=%d", url, i*i), nil)
		res, err := c.Do(req)
		if err != nil {
			panic(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
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
	cache.m = map[string][]byte{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(handle)}
	go server.Serve(listener)
	out := &counter{f: f}
	if err := trace.Start(out); err != nil {
		panic(err)
	}
	var wg sync.WaitGroup
	for i := range clients {
		wg.Add(1)
		go func() { defer wg.Done(); client("http://"+listener.Addr().String(), i) }()
	}
	for out.n.Load() < int64(megabytes*(1<<20)) {
		time.Sleep(10 * time.Millisecond)
	}
	stop.Store(true)
	wg.Wait()
	trace.Stop()
	if err := f.Close(); err != nil {
		panic(err)
	}
	fmt.Println(out.n.Load(), "bytes")
}
