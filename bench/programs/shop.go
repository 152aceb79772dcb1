// A web service with what services have that wait: a cache and a journal under locks, workers behind a queue,
// sessions. Or the load for one.
//
// Usage: shop ADDRESS [-nap TIME] | shop ADDRESS -load REQUESTS_PER_SECOND -seconds SECONDS
package main

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	workers  = 4
	rounds   = 15000 // of hashing, for a page that is not in the cache
	pages    = 4000
	cached   = 2000
	users    = 97
	together = 4 // requests come in small bursts
	atOnce   = 48
)

var nap = flag.Duration("nap", 0, "how long the journal's lock is held beside writing")

type page struct{ key, text string }

type cache struct {
	mu    sync.Mutex
	items map[string]*list.Element
	order *list.List
}

func (c *cache) get(key string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.items[key]
	if !ok {
		return "", false
	}
	c.order.MoveToFront(found)
	return found.Value.(*page).text, true
}

func (c *cache) put(key, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.items[key]; ok {
		found.Value.(*page).text = text
		return
	}
	c.items[key] = c.order.PushFront(&page{key, text})
	if c.order.Len() > cached {
		oldest := c.order.Back()
		c.order.Remove(oldest)
		delete(c.items, oldest.Value.(*page).key)
	}
}

type journal struct {
	mu    sync.Mutex
	out   io.Writer
	lines int
}

func (j *journal) write(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines++
	fmt.Fprintf(j.out, "%d %s\n", j.lines, text)
	if *nap > 0 {
		time.Sleep(*nap)
	}
}

type job struct {
	text string
	done chan string
}

type pool struct{ jobs chan job }

func (p *pool) run(j *journal) {
	for next := range p.jobs {
		sum := sha256.Sum256([]byte(next.text))
		for range rounds {
			sum = sha256.Sum256(sum[:])
		}
		text := hex.EncodeToString(sum[:])
		j.write(text)
		next.done <- text
	}
}

func (p *pool) do(text string) string {
	next := job{text, make(chan string, 1)}
	p.jobs <- next
	return <-next.done
}

type sessions struct {
	mu   sync.RWMutex
	seen map[string]int
}

func (s *sessions) touch(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[user]++
}

func (s *sessions) total() (sum int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, count := range s.seen {
		sum += count
	}
	return sum
}

func serve(address string) error {
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)
	log.SetOutput(io.Discard)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	made := &cache{items: map[string]*list.Element{}, order: list.New()}
	written := &journal{out: null}
	hashing := &pool{jobs: make(chan job, 32)}
	for range workers {
		go hashing.run(written)
	}
	known := &sessions{seen: map[string]int{}}
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			log.Print(known.total())
		}
	}()
	var requests atomic.Int64
	http.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		key, user := r.FormValue("key"), r.FormValue("user")
		known.touch(user)
		text, ok := made.get(key)
		if !ok {
			text = strings.Repeat(hashing.do(key), 8)
			made.put(key, text)
		}
		json.NewEncoder(w).Encode(map[string]any{"user": user, "text": text})
	})
	http.HandleFunc("/requests", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, requests.Load()) })
	return http.ListenAndServe(address, nil)
}

func load(address string, perSecond int, seconds float64) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}, Timeout: 5 * time.Second}
	var done sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	due := time.Now()
	end := due.Add(time.Duration(seconds * float64(time.Second)))
	for n := 0; due.Before(end); n++ {
		time.Sleep(time.Until(due))
		for i := range together {
			slots <- struct{}{}
			done.Add(1)
			go func() {
				defer func() { <-slots; done.Done() }()
				url := fmt.Sprintf("http://%s/page?key=k%d&user=u%d", address, (n*7+i*131)%pages, (n+i)%users)
				if answer, err := client.Get(url); err == nil {
					io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
			}()
		}
		due = due.Add(together * time.Second / time.Duration(perSecond))
	}
	done.Wait()
}

func main() {
	perSecond := flag.Int("load", 0, "requests a second to send")
	seconds := flag.Float64("seconds", 5, "how long to send them")
	address := os.Args[1]
	flag.CommandLine.Parse(os.Args[2:])
	if *perSecond > 0 {
		load(address, *perSecond, *seconds)
		return
	}
	log.Fatal(serve(address))
}
