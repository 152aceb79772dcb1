package static

// Counted makes a map that no one else sees.
func Counted(n int) int {
	m := make(map[string]int, n)
	m["n"] = n
	return len(m)
}

// Asserted makes one that is an interface{} for a moment.
func Asserted(n int) int {
	var v interface{} = make(map[string]int, n)
	return len(v.(map[string]int))
}
