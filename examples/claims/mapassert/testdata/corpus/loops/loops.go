// Package loops has a snippet a function for the rule hotformat. What follows a line says what the rule is to find.
package loops

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"reflect"
)

type large struct{ cells [64]int64 }

type labelled struct {
	labels map[string]string
	n      int
}

func Map(m map[string]int) {
	for i := 0; i < 3; i++ {
		fmt.Println(m) // want
	}
}

func Outside(m map[string]int) { fmt.Println(m) }

func Ranged(w io.Writer, all []map[string]int) {
	for _, m := range all {
		fmt.Fprintf(w, "%v", m) // want
	}
}

func Large(l large) {
	for i := 0; i < 3; i++ {
		fmt.Println(i, l) // want
	}
}

func LargeByPointer(l *large) {
	for i := 0; i < 3; i++ {
		fmt.Println(i, l)
	}
}

func Small(n int) {
	for i := 0; i < n; i++ {
		fmt.Println(i, n, "small")
	}
}

func HoldsMap(l labelled) {
	for i := 0; i < 3; i++ {
		log.Printf("%v", l) // want
	}
}

func PointerHoldsMap(l *labelled) {
	for i := 0; i < 3; i++ {
		log.Printf("%v", l) // want
	}
}

func Marshalled(m map[string]int) (out [][]byte) {
	for i := 0; i < 3; i++ {
		b, _ := json.Marshal(m) // want
		out = append(out, b)
	}
	return out
}

func Encoded(e *json.Encoder, m map[string]int) {
	for i := 0; i < 3; i++ {
		_ = e.Encode(m) // want
	}
}

func Reflected(a, b map[string]int) bool {
	for i := 0; i < 3; i++ {
		if !reflect.DeepEqual(a, b) { // want
			return false
		}
	}
	return true
}

func show(m map[string]int) { fmt.Println(m) } // want

func Through(m map[string]int) {
	for i := 0; i < 3; i++ {
		show(m)
	}
}

func showOnce(m map[string]int) { fmt.Println(m) }

func ThroughOnce(m map[string]int) { showOnce(m) }

func Variable(m map[string]int) {
	var v interface{} = m
	for i := 0; i < 3; i++ {
		fmt.Println(v) // want
	}
}

func print(v interface{}) { fmt.Println(v) } // want

func ThroughAny(m map[string]int) {
	for i := 0; i < 3; i++ {
		print(m)
	}
}

func Closure(m map[string]int) {
	for i := 0; i < 3; i++ {
		func() { fmt.Println(m) }() // want
	}
}

func Goto(m map[string]int) {
	i := 0
again:
	fmt.Println(m) // want
	if i++; i < 3 {
		goto again
	}
}

func Returned(m map[string]int) error {
	for i := 0; i < 3; i++ {
		if i == 2 {
			return fmt.Errorf("of %v", m) // once: after it the loop ends
		}
	}
	return nil
}

func Length(m map[string]int) {
	for i := 0; i < 3; i++ {
		fmt.Println(len(m), m["k"])
	}
}

func Wrapped(m map[string]int) {
	type pair struct{ inner labelled }
	for i := 0; i < 3; i++ {
		_ = fmt.Sprint(pair{labelled{nil, len(m)}}) // want
	}
}

func SliceOfMaps(all []map[string]int) {
	for i := 0; i < 3; i++ {
		fmt.Println(all) // want missed: what a slice holds is not looked at
	}
}

func Array(rows [100]int32) {
	for i := 0; i < 3; i++ {
		_ = fmt.Sprint(rows) // want
	}
}

func TypeOnly(m map[string]int, l large) {
	for i := 0; i < 3; i++ {
		fmt.Printf("%d: %T %p\n", i, l, m)
	}
}

func SecondVerb(m map[string]int) {
	for i := 0; i < 3; i++ {
		fmt.Printf("%-5T of %+v\n", i, m) // want
	}
}

func IndexedVerb(m map[string]int) {
	for i := 0; i < 3; i++ {
		fmt.Printf("%[1]T %[1]v\n", m) // want
	}
}

type named map[string]int

func (named) String() string { return "named" }

func Stringer(m named) {
	for i := 0; i < 3; i++ {
		fmt.Println(m)
	}
}

func StringerMarshalled(m named) {
	for i := 0; i < 3; i++ {
		_, _ = json.Marshal(m) // want
	}
}

func mustHave(m map[string]int, k string) {
	if _, ok := m[k]; !ok {
		panic(fmt.Sprintf("no %s in %v", k, m)) // once: it is the last thing that is done
	}
}

func Panics(m map[string]int) {
	for _, k := range []string{"a", "b"} {
		mustHave(m, k)
	}
}
