package elements

func get(m map[string]interface{}, key string) interface{} { return m[key] }

func Got(m map[string]interface{}) interface{} {
	return get(m, "k").(int) // want
}

func GotOk(m map[string]interface{}) interface{} {
	n, _ := get(m, "k").(int)
	return n
}

func count(v interface{}) int {
	return v.(int) // want in Given
}

func Given(m map[string]interface{}) interface{} { return count(m["k"]) }

func countChecked(v interface{}) int { return v.(int) }

func GivenChecked(m map[string]interface{}) interface{} {
	if v, ok := m["k"].(int); ok {
		return countChecked(v)
	}
	return nil
}

func countGuarded(v interface{}) int { return v.(int) }

func GivenGuarded(m map[string]interface{}) interface{} {
	v := m["k"]
	if _, ok := v.(int); ok {
		return countGuarded(v)
	}
	return nil
}

func find(m map[string]interface{}, key string) (interface{}, bool) {
	v, ok := m[key]
	return v, ok
}

func Found(m map[string]interface{}) interface{} {
	if v, ok := find(m, "k"); ok {
		return v.(int) // strict
	}
	return nil
}

func FoundIgnored(m map[string]interface{}) interface{} {
	v, _ := find(m, "k")
	return v.(int) // want
}

func integer(m map[string]interface{}, key string) (interface{}, bool) {
	v := m[key]
	if _, ok := v.(int); !ok {
		return nil, false
	}
	return v, true
}

func FoundInteger(m map[string]interface{}) interface{} {
	v, ok := integer(m, "k")
	if !ok {
		return nil
	}
	return v.(int)
}

func isInteger(v interface{}) bool {
	_, ok := v.(int)
	return ok
}

func Predicate(m map[string]interface{}) interface{} {
	v := m["k"]
	if isInteger(v) {
		return v.(int)
	}
	return nil
}

func NotPredicate(m map[string]interface{}) interface{} {
	v := m["k"]
	if !isInteger(v) {
		return v.(string) // want
	}
	return nil
}

func orZero(v interface{}) interface{} {
	if v == nil {
		return 0
	}
	return v
}

func WithDefault(m map[string]interface{}) interface{} {
	return orZero(m["k"]).(int) // strict
}

func first(all ...interface{}) interface{} { return all[0] }

func Variadic(m map[string]interface{}) interface{} {
	return first(m["k"]).(int) // want missed: elements of slices are not followed
}

type source interface{ load(key string) interface{} }

type table map[string]interface{}

func (t table) load(key string) interface{} { return t[key] }

func Method(m map[string]interface{}) interface{} {
	return table(m).load("k").(int) // want
}

func ThroughInterface(m map[string]interface{}) interface{} {
	var s source = table(m)
	return s.load("k").(int) // want missed: calls through interfaces are not followed
}

func FunctionValue(m map[string]interface{}) interface{} {
	get := func(key string) interface{} { return m[key] }
	return get("k").(int) // want
}

func Generic[K comparable](m map[K]interface{}, key K) interface{} { return m[key] }

func ThroughGeneric(m map[string]interface{}) interface{} {
	return Generic(m, "k").(int) // want
}

func as[T any](m map[string]interface{}, key string) T {
	return m[key].(T) // want in AsGeneric
}

func AsGeneric(m map[string]interface{}) interface{} { return as[int](m, "k") }

func asOk[T any](m map[string]interface{}, key string) (found T) {
	found, _ = m[key].(T)
	return found
}

func AsGenericOk(m map[string]interface{}) interface{} { return asOk[int](m, "k") }

func twoLevels(m map[string]interface{}) interface{} { return get(m, "k") }

func TwoLevels(m map[string]interface{}) interface{} {
	return twoLevels(m).(int) // want
}

func same(v interface{}) interface{} { return v }

func ThroughSame(m map[string]interface{}) interface{} {
	return same(m["k"]).(int) // want
}

func SameOfOther(m map[string]interface{}) interface{} {
	return same(1).(int) // only the other call is given an element
}
