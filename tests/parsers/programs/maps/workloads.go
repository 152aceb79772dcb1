package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"sync"
)

const n = 300

type (
	pair  struct{ a, b int }
	wide  [20]int64
	named struct {
		id   int
		tags map[string]string
	}
	setter                     interface{ set(k string, v int) }
	counts                     map[string]int
	cache[K comparable, V any] struct{ entries map[K]V }
)

var (
	sink   []any
	table  map[string]int
	nested = []byte(`{"user":{"id":7,"roles":{"admin":true,"ops":false},"history":[{"a":1},{"b":{"c":2}}]},"items":{"x":1,"y":2,"z":3}}`)
	flat   = []byte(`{"one":{"a":1,"b":2},"two":{"c":3},"three":{"d":4,"e":5,"f":6}}`)
)

var workloads = []func(){
	intKeys, int32Keys, stringKeys, pointerKeys, pointerKeys32, structKeys, interfaceKeys, arrayKeys, floatKeys, growth,
	presized, presizedLarge, wideValues, wideKeys, nestedMaps, appendInPlace, newInPlace, sprintInPlace, concatInPlace,
	boxInPlace, twoOnOneLine, addInPlace, throughReflect, makeReflect, jsonAny, jsonNested, genericFunctions, genericType,
	inlinedHelper, twiceInlined, closures, deferred, throughInterface, syncMap, cloned, copied, literal, reinserted, sets,
	goroutines, global, pointersOut, methodValue, boxed, boxedByReflect, syncMapCounts,
}

func intKeys() {
	m := map[int]int{}
	for i := 0; i < n; i++ {
		m[i] = i
	}
	sink = append(sink, m)
}

func int32Keys() {
	m := make(map[int32]string)
	for i := int32(0); i < n; i++ {
		m[i] = "x"
	}
	sink = append(sink, m)
}

func stringKeys() {
	m := map[string]int{}
	for i := 0; i < n; i++ {
		k := strconv.Itoa(i)
		m[k] = i
	}
	sink = append(sink, m)
}

func pointerKeys() {
	m := map[*pair]int{}
	for i := 0; i < n; i++ {
		m[&pair{i, i}] = i
	}
	sink = append(sink, m)
}

func pointerKeys32() {
	m := map[chan int]bool{}
	for i := 0; i < n; i++ {
		m[make(chan int)] = true
	}
	sink = append(sink, m)
}

func structKeys() {
	m := map[pair]int{}
	for i := 0; i < n; i++ {
		m[pair{i, i}] = i
	}
	sink = append(sink, m)
}

func interfaceKeys() {
	m := map[any]int{}
	for i := 0; i < n; i++ {
		m[i*1000] = i
		m[strconv.Itoa(i)] = i
	}
	sink = append(sink, m)
}

func arrayKeys() {
	m := map[[3]int]bool{}
	for i := 0; i < n; i++ {
		m[[3]int{i, i, i}] = true
	}
	sink = append(sink, m)
}

func floatKeys() {
	m := map[float64]float64{} // nosemgrep: map-without-size
	for i := 0; i < n; i++ {
		m[float64(i)/3] = 1
	}
	sink = append(sink, m)
}

func growth() {
	m := map[uint64]uint64{}
	for i := uint64(0); i < 20*n; i++ {
		m[i*i] = i
	}
	sink = append(sink, m)
}

func presized() {
	m := make(map[string]int, n)
	for i := 0; i < n; i++ {
		m[strconv.Itoa(i)] = i
	}
	sink = append(sink, m)
}

func presizedLarge() {
	size := int64(10 * n)
	m := make(map[int64]int64, size)
	for i := int64(0); i < 2*size; i++ {
		m[i] = i
	}
	sink = append(sink, m)
}

func wideValues() {
	m := map[int]wide{}
	for i := 0; i < n; i++ {
		m[i] = wide{1}
	}
	sink = append(sink, m)
}

func wideKeys() {
	m := map[wide]int{}
	for i := 0; i < n; i++ {
		m[wide{int64(i)}] = i
	}
	sink = append(sink, m)
}

func nestedMaps() {
	m := map[string]map[string]int{}
	for i := 0; i < n; i++ {
		k := strconv.Itoa(i % 30)
		if m[k] == nil {
			m[k] = map[string]int{}
		}
		m[k][strconv.Itoa(i)] = i
	}
	sink = append(sink, m)
}

func appendInPlace() {
	m := map[int][]int{}
	for i := 0; i < n; i++ {
		m[i%50] = append(m[i%50], i)
	}
	sink = append(sink, m)
}

func newInPlace() {
	m := map[int]*pair{}
	for i := 0; i < n; i++ {
		m[i] = &pair{i, i}
	}
	sink = append(sink, m)
}

func sprintInPlace() {
	m := map[string]string{}
	for i := 0; i < n; i++ {
		m[fmt.Sprint("key", i)] = fmt.Sprint("value", i)
	}
	sink = append(sink, m)
}

func concatInPlace() {
	m := map[string]string{}
	for i := 0; i < n; i++ {
		s := strconv.Itoa(i)
		m["key"+s] = "value" + s + s
	}
	sink = append(sink, m)
}

func boxInPlace() {
	m := map[string]interface{}{}
	for i := 0; i < n; i++ {
		m[strconv.Itoa(i)] = i + 1000
	}
	sink = append(sink, m)
}

func twoOnOneLine() {
	a, b := map[int]int{}, map[string]bool{}
	for i := 0; i < n; i++ {
		a[i], b[strconv.Itoa(i)] = i, true
	}
	sink = append(sink, a, b)
}

func addInPlace() {
	m := map[int]int{}
	for i := 0; i < n; i++ {
		m[i%97] += i
	}
	sink = append(sink, m)
}

func throughReflect() {
	m, s := map[int]string{}, map[string]int{}
	v, w := reflect.ValueOf(m), reflect.ValueOf(s)
	for i := 0; i < n; i++ {
		v.SetMapIndex(reflect.ValueOf(i), reflect.ValueOf("x"))
		w.SetMapIndex(reflect.ValueOf(strconv.Itoa(i)), reflect.ValueOf(i))
	}
	sink = append(sink, m, s)
}

func makeReflect() {
	kind := reflect.TypeOf(map[string]int{})
	for i := 0; i < 20; i++ {
		sink = append(sink, reflect.MakeMap(kind).Interface(), reflect.MakeMapWithSize(kind, 50).Interface())
	}
}

func jsonAny() {
	for i := 0; i < 20; i++ {
		var v map[string]any
		check(json.Unmarshal(nested, &v))
		sink = append(sink, v)
	}
}

func jsonNested() {
	for i := 0; i < 20; i++ {
		v := map[string]map[string]int{}
		check(json.Unmarshal(flat, &v))
		sink = append(sink, v)
	}
}

func put[K comparable, V any](m map[K]V, k K, v V) { m[k] = v }

//go:noinline
func fill[K comparable, V any](ks []K, v V) map[K]V {
	m := make(map[K]V)
	for _, k := range ks {
		put(m, k, v)
	}
	return m
}

func genericFunctions() {
	ints, texts, pairs := make([]int, n), make([]string, n), make([]pair, n)
	for i := 0; i < n; i++ {
		ints[i], texts[i], pairs[i] = i, strconv.Itoa(i), pair{i, i}
	}
	sink = append(sink, fill(ints, "v"), fill(texts, 1), fill(pairs, true), fill(ints, pair{}))
}

//go:noinline
func (c *cache[K, V]) set(k K, v V) {
	if c.entries == nil {
		c.entries = map[K]V{}
	}
	c.entries[k] = v
}

func genericType() {
	var a cache[int, string]
	var b cache[string, *pair]
	for i := 0; i < n; i++ {
		a.set(i, "x")
		b.set(strconv.Itoa(i), nil)
	}
	sink = append(sink, &a, &b)
}

func store(m map[int]int, k int) { m[k] = k }

func inlinedHelper() {
	m := map[int]int{}
	for i := 0; i < n; i++ {
		store(m, i)
	}
	sink = append(sink, m)
}

func storeTwice(m map[int]int, k int) { store(m, k); store(m, -k) }

func twiceInlined() {
	m := map[int]int{}
	for i := 0; i < n; i++ {
		storeTwice(m, i)
	}
	sink = append(sink, m)
}

func closures() {
	m := map[string]int{}
	set := func(i int) { m[strconv.Itoa(i)] = i }
	for i := 0; i < n; i++ {
		set(i)
	}
	sink = append(sink, m, set)
}

func deferred() {
	m := map[int]bool{}
	for i := 0; i < n; i++ {
		func() { defer func() { m[i] = true }() }()
	}
	sink = append(sink, m)
}

func (c counts) set(k string, v int) { c[k] = v }

func throughInterface() {
	var s setter = counts{}
	for i := 0; i < n; i++ {
		s.set(strconv.Itoa(i), i)
	}
	sink = append(sink, s)
}

func syncMap() {
	var m sync.Map
	for i := 0; i < n; i++ {
		m.Store(i, i)
		m.LoadOrStore(strconv.Itoa(i), i)
	}
	sink = append(sink, &m)
}

func cloned() {
	m := map[string]int{}
	for i := 0; i < n; i++ {
		m[strconv.Itoa(i)] = i
	}
	for i := 0; i < 5; i++ {
		sink = append(sink, maps.Clone(m))
	}
}

func copied() {
	from, to := map[int]int{}, map[int]int{}
	for i := 0; i < n; i++ {
		from[i] = i
	}
	maps.Copy(to, from)
	sink = append(sink, to)
}

func literal() {
	for i := 0; i < 10; i++ {
		sink = append(sink, map[string]int{"a": 1, "b": 2, "c": i}, map[string]int{
			"k00": 0, "k01": 1, "k02": 2, "k03": 3, "k04": 4, "k05": 5, "k06": 6, "k07": 7, "k08": 8, "k09": 9,
			"k10": 0, "k11": 1, "k12": 2, "k13": 3, "k14": 4, "k15": 5, "k16": 6, "k17": 7, "k18": 8, "k19": 9,
			"k20": 0, "k21": 1, "k22": 2, "k23": 3, "k24": 4, "k25": 5, "k26": 6, "k27": 7, "k28": 8, "k29": i,
		})
	}
}

func reinserted() {
	m := map[int]string{}
	for i := 0; i < 4*n; i++ {
		m[i] = "x"
		delete(m, i-20)
	}
	sink = append(sink, m)
}

func sets() {
	m := map[string]struct{}{}
	for i := 0; i < n; i++ {
		m[strconv.Itoa(i)] = struct{}{}
	}
	sink = append(sink, m)
}

func goroutines() {
	var wg sync.WaitGroup
	for g := 0; g < 4; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			m := map[int]int{}
			for i := 0; i < n; i++ {
				m[i] = i
			}
		}()
	}
	wg.Wait()
}

func global() {
	table = make(map[string]int)
	for i := 0; i < n; i++ {
		table[strconv.Itoa(i)]++
	}
}

func pointersOut() {
	all := map[int]*named{}
	for i := 0; i < n; i++ {
		all[i] = &named{i, map[string]string{"id": strconv.Itoa(i)}}
		all[i].tags["even"] = strconv.FormatBool(i%2 == 0)
	}
	sink = append(sink, all)
}

func methodValue() {
	set := counts{}.set
	for i := 0; i < n; i++ {
		set(strconv.Itoa(i), i)
	}
	sink = append(sink, set)
}

//go:noinline
func show(v any) { sink = append(sink, v) }

func boxed() {
	for i := 0; i < n; i++ {
		show(i + 1000)
		show(strconv.Itoa(i))
		show([]int{i})
		show(pair{i, i})
		show(wide{int64(i)})
	}
}

func boxedByReflect() {
	pairs := reflect.ValueOf([]pair{{1, 2}, {3, 4}, {5, 6}})
	for i := 0; i < pairs.Len(); i++ {
		sink = append(sink, pairs.Index(i).Interface())
	}
}

func syncMapCounts() {
	var m sync.Map
	for i := 0; i < n; i++ {
		k := i % 40
		v, _ := m.LoadOrStore(k, new(int))
		*v.(*int)++
		m.Swap(-k-1, i)
		m.CompareAndSwap(-k-1, i, -i)
	}
	sink = append(sink, &m)
}
