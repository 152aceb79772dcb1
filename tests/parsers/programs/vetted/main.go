// What go vet finds fault with: its report is kept as a sample.
package main

import (
	"fmt"
	"sync"
)

type store struct {
	mu      sync.Mutex
	entries map[string]int
}

func (s store) put(key string, value int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[key] = value
}

func main() {
	s := store{entries: map[string]int{}}
	s.put("a", 1)
	fmt.Printf("%d\n", "text")
	for {
	}
	fmt.Println("never")
}
