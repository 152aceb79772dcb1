package static

// ConvertGiven only turns a map that exists into an interface{}.
//
//go:noinline
func ConvertGiven(m map[string]int) interface{} { return m }

// ConvertMade makes a map and returns it as an interface{}.
//
//go:noinline
func ConvertMade(n int) interface{} { return make(map[string]int, n) }

// DirectMade makes a map and returns it as it is.
//
//go:noinline
func DirectMade(n int) map[string]int { return make(map[string]int, n) }
