// Package walk leads through the generated functions: each asks what to do next.
package walk

import (
	"math/rand"
	"strings"
)

// Step is one generated function.
type Step func(*Walk)

var steps []Step

// Register takes a package's functions.
func Register(s ...Step) { steps = append(steps, s...) }

// Walk is one way through the call graph; what it allocates hangs on it.
type Walk struct {
	*rand.Rand
	Index map[string]int
	Rows  []int64
	kept  [4096][]byte
	left  int
	at    int
}

// New starts at the same place for the same seed.
func New(seed int64) *Walk {
	return &Walk{Rand: rand.New(rand.NewSource(seed)), Index: map[string]int{}}
}

// Go walks once: a few steps or many, as calls in a server are.
func (w *Walk) Go() {
	w.left = 4 + w.Intn(24)
	w.at = 0
	if len(w.Index) > 1<<14 {
		w.Index = map[string]int{}
	}
	steps[w.choice(8)](w)
}

// Done says whether this function is the walk's last.
func (w *Walk) Done() bool {
	w.left--
	return w.left < 0
}

// Next chooses one of n call sites.
func (w *Walk) Next(n int) int { return w.choice(n) }

// Call chooses the function to call: of a few, some far more often than others.
func (w *Walk) Call() Step {
	w.at = (w.at*31 + 1 + w.choice(12)) % len(steps)
	return steps[w.at]
}

// choice is below n, small numbers more often.
func (w *Walk) choice(n int) int {
	x := w.Float64()
	return int(x * x * float64(n))
}

// Size of an allocation, in bytes.
func (w *Walk) Size() int { return 1024 << w.Intn(4) }

// Text of such a size.
func (w *Walk) Text() string { return strings.Repeat("x", w.Size()+w.Intn(64)) }

// Keep holds on to some allocations until others take their place.
func (w *Walk) Keep(b []byte) {
	if w.Intn(3) == 0 {
		w.kept[w.Intn(len(w.kept))] = b
	}
}
