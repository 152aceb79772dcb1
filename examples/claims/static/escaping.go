// Package static is for the compiler to speak of: nothing runs it. escaping.go holds only maps that must live
// on the heap, staying.go only such as need not, boxing.go the ways a map becomes an interface{}.
package static

var shared map[string]int

// Returned makes a map that outlives the call.
func Returned(n int) map[string]int { return make(map[string]int, n) }

// Boxed makes one that outlives it as an interface{}.
func Boxed(n int) interface{} { return make(map[string]int, n) }

// Stored makes one that a variable of the package keeps.
func Stored(n int) { shared = make(map[string]int, n) }

// Pointed makes one whose variable is handed out by its address.
func Pointed(n int) *map[string]int {
	m := make(map[string]int, n)
	return &m
}
