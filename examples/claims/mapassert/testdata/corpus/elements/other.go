package elements

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

func NoMap(m map[string]interface{}) interface{} {
	var v interface{} = len(m)
	return v.(int)
}

func ConcreteMap(m map[string]interface{}) interface{} {
	sizes := map[string]int{"k": len(m)}
	return sizes["k"]
}

type key struct{}

func FromContext(m map[string]interface{}) interface{} {
	return context.WithValue(context.Background(), key{}, 1).Value(key{}).(int)
}

func FromSyncMap(m map[string]interface{}) interface{} {
	var all sync.Map
	all.Store("k", 1)
	v, _ := all.Load("k")
	return v.(int)
}

func ErrorElement(m map[string]interface{}) interface{} {
	failures := map[string]error{"k": errors.New("x")}
	return failures["k"].(fmt.Formatter) == nil // want missed: only -methods looks at maps of interfaces with methods
}

func Formatted(m map[string]interface{}) interface{} {
	return fmt.Sprint(m["k"])
}

func KeyAsserted(m map[string]interface{}) interface{} {
	all := map[interface{}]int{"k": len(m)}
	for k := range all {
		return k.(string)
	}
	return nil
}
