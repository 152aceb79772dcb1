// Package assertions takes an element out of a map[string]interface{} in every way the static rule tells apart.
package assertions

// Cases are the functions of this package by the names the rule's findings have for them.
var Cases = []Case{{"Concrete", Concrete}, {"Interface", Interface}, {"Guarded", Guarded}, {"Switched", Switched}}

// Case is one way of taking the element count.
type Case struct {
	Name   string
	Assert func(map[string]interface{}) bool
}

// Concrete asserts a concrete type and looks no further.
func Concrete(m map[string]interface{}) bool { return m["count"].(int) > 0 }

// Interface asserts interface{}, which holds for any value but none at all.
func Interface(m map[string]interface{}) bool { return m["count"].(interface{}) != 0 }

// Guarded asks whether the type is right.
func Guarded(m map[string]interface{}) bool {
	count, ok := m["count"].(int)
	return ok && count > 0
}

// Switched asks by a type switch.
func Switched(m map[string]interface{}) bool {
	switch count := m["count"].(type) {
	case int:
		return count > 0
	default:
		return false
	}
}
