package elements

import "fmt"

func Assigned(m map[string]interface{}) interface{} {
	v := m["k"]
	return v.(int) // want
}

func AssignedTwice(m map[string]interface{}) interface{} {
	v := m["k"]
	w := v
	return w.(int) // want
}

func OkIgnored(m map[string]interface{}) interface{} {
	v, _ := m["k"]
	return v.(int) // want
}

func EitherKey(m map[string]interface{}) interface{} {
	v := m["k"]
	if len(m) > 1 {
		v = m["n"]
	}
	return v.(int) // want
}

func ElementOrDefault(m map[string]interface{}) interface{} {
	var v interface{} = 1
	if len(m) > 0 {
		v = m["k"]
	}
	return v.(int) // want
}

func InLoop(m map[string]interface{}) interface{} {
	var v interface{} = 0
	for i := 0; i < 2; i++ {
		n := v.(int) // want
		v = m["k"]
		_ = n
	}
	return v
}

func Overwritten(m map[string]interface{}) interface{} {
	v := m["k"]
	v = 1
	return v.(int)
}

func Captured(m map[string]interface{}) interface{} {
	v := m["k"]
	return func() int { return v.(int) }() // want
}

func CapturedMap(m map[string]interface{}) interface{} {
	get := func() int {
		return m["k"].(int) // want
	}
	return get()
}

func SetInClosure(m map[string]interface{}) interface{} {
	var v interface{} = 1
	set := func() { v = m["k"] }
	set()
	return v.(int) // want
}

func ThroughPointer(m map[string]interface{}) interface{} {
	v := m["k"]
	p := &v
	return (*p).(int) // want
}

func pointed(p *interface{}) interface{} { return *p }

func ThroughPointerArgument(m map[string]interface{}) interface{} {
	v := m["k"]
	return pointed(&v).(int) // want missed: pointers that are passed on are not followed
}

var global interface{}

func ThroughGlobal(m map[string]interface{}) interface{} {
	global = m["k"]
	return global.(int) // want
}

func ThroughAny(m map[string]interface{}) interface{} {
	v := m["k"].(interface{}) // strict
	return v.(int)            // want
}

func ThroughSlice(m map[string]interface{}) interface{} {
	all := []interface{}{m["k"]}
	return all[0].(int) // want missed: elements of slices are not followed
}

func ThroughChannel(m map[string]interface{}) interface{} {
	c := make(chan interface{}, 1)
	c <- m["k"]
	return (<-c).(int) // want missed: what channels carry is not followed
}

type record struct {
	value interface{}
	name  string
}

func ThroughField(m map[string]interface{}) interface{} {
	r := record{value: m["k"], name: "r"}
	return r.value.(int) // want
}

type kept struct{ value interface{} }

func (k *kept) set(v interface{}) { k.value = v }
func (k *kept) count() int        { return k.value.(int) } // want in ThroughMethods

func ThroughMethods(m map[string]interface{}) interface{} {
	k := &kept{}
	k.set(m["k"])
	return k.count()
}

type safe struct{ value interface{} }

func OtherField(m map[string]interface{}) interface{} {
	s := safe{1}
	return fmt.Sprint(s.value.(int), m["k"])
}

type holder struct{ values map[string]interface{} }

func MapInField(m map[string]interface{}) interface{} {
	h := holder{m}
	return h.values["k"].(int) // want
}
