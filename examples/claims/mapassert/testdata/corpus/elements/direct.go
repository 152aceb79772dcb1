package elements

import "fmt"

func Plain(m map[string]interface{}) interface{} {
	return m["k"].(int) // want
}

func Strings(m map[string]interface{}) interface{} {
	return len(m["k"].(string)) // want
}

func OtherKey(m map[string]interface{}) interface{} {
	key := "k" + fmt.Sprint()
	return m[key].(bool) // want
}

func ToAny(m map[string]interface{}) interface{} {
	return m["k"].(interface{}) // strict
}

func ToMethods(m map[string]interface{}) interface{} {
	return m["k"].(fmt.Stringer) // want
}

func ToPointer(m map[string]interface{}) interface{} {
	return *m["k"].(*int) // want
}

func ToFunction(m map[string]interface{}) interface{} {
	return m["k"].(func() int)() // want
}

func ToSlice(m map[string]interface{}) interface{} {
	return len(m["k"].([]interface{})) // want
}

func Argument(m map[string]interface{}) interface{} {
	return fmt.Sprint(m["k"].(int)) // want
}

func Condition(m map[string]interface{}) interface{} {
	if m["k"].(bool) { // want
		return 1
	}
	return 2
}

func Sum(m map[string]interface{}) interface{} {
	return m["k"].(int) + // want
		m["n"].(int) // want
}

func Twice(m map[string]interface{}) interface{} {
	first := m["k"].(int)           // want
	return first + m["k"].(int) + 1 // it would have panicked before
}

func Deferred(m map[string]interface{}) interface{} {
	defer fmt.Sprint(m["k"].(int)) // want
	return nil
}

type named map[string]interface{}

func NamedMap(m map[string]interface{}) interface{} {
	return named(m)["k"].(int) // want
}

type anything interface{}

func NamedInterface(m map[string]interface{}) interface{} {
	other := map[string]anything{}
	for k, v := range m {
		other[k] = v
	}
	return other["k"].(int) // want
}

func IntegerKeys(m map[string]interface{}) interface{} {
	other := map[int]interface{}{1: m["k"]}
	return other[1].(int) // want
}

func InterfaceKeys(m map[string]interface{}) interface{} {
	other := map[interface{}]interface{}{"k": m["k"]}
	return other["k"].(int) // want
}
