package elements

import (
	"fmt"
	"os"
	"reflect"
)

func AssertionOk(m map[string]interface{}) interface{} {
	if n, ok := m["k"].(int); ok {
		return n
	}
	return nil
}

func AssertionOkDropped(m map[string]interface{}) interface{} {
	n, _ := m["k"].(int)
	return n
}

func ElementOk(m map[string]interface{}) interface{} {
	if v, ok := m["k"]; ok {
		return v.(int) // strict
	}
	return nil
}

func ElementOkEarly(m map[string]interface{}) interface{} {
	v, ok := m["k"]
	if !ok {
		return nil
	}
	return v.(int) // strict
}

func ElementOkWrongSide(m map[string]interface{}) interface{} {
	v, ok := m["k"]
	if !ok {
		return v.(int) // want
	}
	return nil
}

func OtherOk(m map[string]interface{}) interface{} {
	if _, ok := m["n"]; ok {
		return nil
	}
	return m["k"].(int) // want
}

func OtherKeyOk(m map[string]interface{}) interface{} {
	if _, ok := m["n"]; !ok {
		return m["k"].(int) // want
	}
	return nil
}

func SameKeyOk(m map[string]interface{}) interface{} {
	if _, ok := m["k"]; ok {
		return m["k"].(int) // strict
	}
	return nil
}

func SameKeyTyped(m map[string]interface{}) interface{} {
	if _, ok := m["k"].(int); ok {
		return m["k"].(int)
	}
	return nil
}

func SameKeyChanged(m map[string]interface{}) interface{} {
	if _, ok := m["k"].(int); ok {
		m["k"] = "text"
		return m["k"].(int) // want
	}
	return nil
}

func NotNil(m map[string]interface{}) interface{} {
	if v := m["k"]; v != nil {
		return v.(int) // strict
	}
	return nil
}

func NotNilAny(m map[string]interface{}) interface{} {
	if v := m["k"]; v != nil {
		return v.(interface{})
	}
	return nil
}

func Nil(m map[string]interface{}) interface{} {
	if v := m["k"]; v == nil {
		return v.(int) // want
	}
	return nil
}

func NilEarly(m map[string]interface{}) interface{} {
	v := m["k"]
	if v == nil {
		return nil
	}
	return v.(int) // strict
}

func Switched(m map[string]interface{}) interface{} {
	switch n := m["k"].(type) {
	case int:
		return n
	case string:
		return len(n)
	}
	return nil
}

func SwitchedAgain(m map[string]interface{}) interface{} {
	v := m["k"]
	switch v.(type) {
	case int:
		return v.(int)
	case string:
		return len(v.(string))
	}
	return nil
}

func SwitchedTwoTypes(m map[string]interface{}) interface{} {
	v := m["k"]
	switch v.(type) {
	case int, string:
		return v.(int) // want
	}
	return nil
}

func SwitchedDefault(m map[string]interface{}) interface{} {
	switch v := m["k"].(type) {
	case string:
		return v
	default:
		return v.(int) // want
	}
}

func OtherType(m map[string]interface{}) interface{} {
	v := m["k"]
	if _, ok := v.(string); ok {
		return nil
	}
	return v.(int) // want
}

func And(m map[string]interface{}) interface{} {
	v := m["k"]
	if _, ok := v.(int); ok && v.(int) > 1 {
		return v
	}
	return nil
}

func Or(m map[string]interface{}) interface{} {
	v := m["k"]
	if _, ok := v.(int); !ok || v.(int) > 1 {
		return nil
	}
	return v.(int)
}

func StoredCondition(m map[string]interface{}) interface{} {
	v := m["k"]
	_, isInt := v.(int)
	isGood := isInt && len(m) > 0
	if isGood {
		return v.(int)
	}
	return nil
}

func WrongOr(m map[string]interface{}) interface{} {
	v := m["k"]
	if _, ok := v.(int); ok || len(m) > 0 {
		return v.(int) // want
	}
	return nil
}

func Compared(m map[string]interface{}) interface{} {
	if v := m["k"]; v == "text" {
		return v.(string)
	}
	return nil
}

// Number and Text are of the kinds int and string, but of other types.
type (
	Number int
	Text   string
)

func ReflectedKind(m map[string]interface{}) interface{} {
	v := m["k"]
	if v != nil && reflect.TypeOf(v).Kind() == reflect.Int {
		return v.(int) // strict
	}
	return nil
}

func ReflectedOther(m map[string]interface{}) interface{} {
	v := m["k"]
	if reflect.ValueOf(v).Kind() == reflect.String {
		return v.(string) // strict
	}
	return v.(int) // want
}

func Written(m map[string]interface{}) interface{} {
	other := map[string]interface{}{"n": m["k"]}
	other["k"] = 1
	return other["k"].(int)
}

func WrittenIfMissing(m map[string]interface{}) interface{} {
	other := map[string]interface{}{}
	for k, v := range m {
		other[k] = v
	}
	if _, ok := other["k"]; !ok {
		other["k"] = 1
	}
	return other["k"].(int) // strict
}

func Deleted(m map[string]interface{}) interface{} {
	other := map[string]interface{}{"k": m["k"]}
	if _, ok := other["k"]; ok {
		delete(other, "k")
		return other["k"].(int) // want
	}
	return nil
}

func LiteralMap(m map[string]interface{}) interface{} {
	all := map[string]interface{}{"one": 1, "two": 2}
	return all["one"].(int)
}

var defaults = map[string]interface{}{"port": 80, "size": 10}

func LiteralGlobal(m map[string]interface{}) interface{} {
	return defaults["port"].(int) // false: what all writes to a map have in common is not looked at
}

func Correlated(m map[string]interface{}) interface{} {
	v := m["k"]
	kind := ""
	if _, ok := v.(int); ok {
		kind = "int"
	}
	if kind == "int" {
		return v.(int) // false: that a string says which type it is, is not seen
	}
	return nil
}

func Recovered(m map[string]interface{}) (n interface{}) {
	defer func() {
		if recover() != nil {
			n = 0
		}
	}()
	return m["k"].(int) // false: a function that recovers is not told apart
}

func Fatal(m map[string]interface{}) interface{} {
	v, ok := m["k"].(int)
	w := m["k"]
	if !ok {
		if v > 0 {
			fmt.Println("never so")
			os.Exit(1)
		}
		return nil
	}
	return w.(int)
}

func Exits(m map[string]interface{}) interface{} {
	v := m["k"]
	if _, ok := v.(int); !ok {
		if len(m) < 1000 {
			return nil
		}
		os.Exit(1)
	}
	return v.(int)
}

func FieldChecked(m map[string]interface{}) interface{} {
	r := &record{value: m["k"]}
	if _, ok := r.value.(int); ok {
		return r.value.(int)
	}
	return nil
}

func FieldChanged(m map[string]interface{}) interface{} {
	r := &record{value: 1}
	if _, ok := r.value.(int); ok {
		r.value = m["k"]
		return r.value.(int) // want
	}
	return nil
}

func (r *record) change(v interface{}) { r.value = v }

func FieldChangedByMethod(m map[string]interface{}) interface{} {
	r := &record{value: 1}
	if _, ok := r.value.(int); ok {
		r.change(m["k"])
		return r.value.(int) // want
	}
	return nil
}

func PhiOfChecked(m map[string]interface{}) interface{} {
	var v interface{} = 1
	if n := m["k"]; isInteger(n) {
		v = n
	}
	return v.(int)
}
