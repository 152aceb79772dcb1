package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
)

type article struct {
	id    int
	title string
	price int
}

type session struct {
	user   string
	basket map[int]int
	seen   []string
}

type shop struct {
	mu       sync.Mutex
	sessions map[string]*session
	prices   lru[int, int]
	catalog  map[int]article
	words    map[string][]int
	views    sync.Map
	log      []string
	ballast  [][]byte
}

// lru is a cache that forgets what is oldest.
type lru[K comparable, V any] struct {
	entries map[K]V
	order   []K
}

func (c *lru[K, V]) put(k K, v V) {
	if c.entries == nil {
		c.entries = make(map[K]V)
	}
	if len(c.order) > 4000 {
		delete(c.entries, c.order[0])
		c.order = c.order[1:]
	}
	c.entries[k] = v
	c.order = append(c.order, k)
}

func newShop(megabytes int) *shop {
	s := &shop{sessions: map[string]*session{}, catalog: map[int]article{}, words: map[string][]int{}}
	for i := 0; i < 20000; i++ {
		s.catalog[i] = article{i, fmt.Sprintf("article %d of %d", i, i%97), i * 7 % 1000}
	}
	for i := 0; i < megabytes; i++ {
		s.ballast = append(s.ballast, make([]byte, 1<<20))
	}
	return s
}

func (s *shop) handle(n int) {
	switch n % 8 {
	case 0, 1:
		s.login(n)
	case 2:
		s.search("article " + strconv.Itoa(n%97))
	case 3:
		s.checkout(n)
	case 4:
		s.report(n)
	case 5:
		s.importJSON(n)
	default:
		s.view(n)
	}
}

func (s *shop) login(n int) {
	user := "user" + strconv.Itoa(n%5000)
	opened := &session{user: user, basket: map[int]int{}}
	for i := 0; i < 12; i++ {
		opened.basket[n+i*i] += i
		opened.seen = append(opened.seen, strconv.Itoa(n+i))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[user] = opened
}

func tokens(text string) map[string]bool {
	found := map[string]bool{}
	for _, word := range strings.Fields(text) {
		found[word] = true
		found[strings.ToUpper(word)] = true
	}
	return found
}

func (s *shop) search(text string) []int {
	var hits []int
	for i := 0; i < 40; i++ {
		for word := range tokens(s.catalog[i].title + " " + text) {
			if strings.HasPrefix(word, "a") {
				hits = append(hits, i)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.words[text] = append(s.words[text][:0:0], hits...)
	return hits
}

func (s *shop) checkout(n int) int {
	totals := make(map[string]int)
	for i := 0; i < 60; i++ {
		a := s.catalog[(n+i)%20000]
		totals[a.title] += a.price
	}
	names := make([]string, 0, len(totals))
	for name := range totals {
		names = append(names, name)
	}
	sort.Strings(names)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prices.put(n%9000, totals[names[0]])
	return totals[names[0]]
}

func (s *shop) report(n int) string {
	byPrice := map[int][]article{}
	for i := 0; i < 80; i++ {
		a := s.catalog[(n*3+i)%20000]
		byPrice[a.price] = append(byPrice[a.price], a)
	}
	var out strings.Builder
	for price, articles := range byPrice {
		fmt.Fprintf(&out, "%d: %d\n", price, len(articles))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log[max(0, len(s.log)-100):], out.String())
	return out.String()
}

func (s *shop) importJSON(n int) map[string]any {
	text := fmt.Sprintf(`{"id":%d,"tags":{"a":1,"b":[1,2,3]},"parts":{"x":{"y":%d}}}`, n, n)
	var into map[string]any
	check(json.Unmarshal([]byte(text), &into))
	return into
}

func (s *shop) view(n int) {
	s.views.Store(n%3000, strconv.Itoa(n))
	recent := make([]*article, 0, 4)
	for i := 0; i < 30; i++ {
		a := s.catalog[(n+i)%20000]
		recent = append(recent, &a)
	}
	index := map[string]*article{}
	for _, a := range recent {
		index[a.title] = a
	}
	if len(index) == 0 {
		panic("nothing was viewed")
	}
}
