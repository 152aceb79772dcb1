// The smallest program that assigns, makes and grows maps: its binary is kept as a sample.
package main

type point struct{ x, y int }

//go:noinline
func assign(m map[string]int, keys []string) {
	for i, k := range keys {
		m[k] = i
	}
}

//go:noinline
func points(n int) map[point]any {
	m := make(map[point]any, n)
	for i := 0; i < n; i++ {
		m[point{i, i}] = i
	}
	return m
}

func main() {
	m := map[string]int{}
	assign(m, []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"})
	println(len(m), len(points(1000)))
}
