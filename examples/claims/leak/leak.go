// Package leak keeps what it decodes: nested JSON objects in a cache that nothing ever leaves.
package leak

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Document is what a nested JSON object becomes.
type Document = map[string]map[string]string

const (
	objects = 4
	pairs   = 5
)

// Decode makes document i out of its JSON.
func Decode(i int) Document {
	text := []byte(strings.ReplaceAll(template, "$", strconv.Itoa(i)))
	var document Document
	if err := json.Unmarshal(text, &document); err != nil {
		panic(err)
	}
	return document
}

// template is a document with $ for its number.
var template = func() string {
	var s strings.Builder
	for object := range objects {
		s.WriteString(separated(object) + fmt.Sprintf(`"object-%d": {`, object))
		for pair := range pairs {
			s.WriteString(separated(pair) + fmt.Sprintf(`"key-%d": "value-$"`, pair))
		}
		s.WriteString("}")
	}
	return "{" + s.String() + "}"
}()

func separated(i int) string {
	if i == 0 {
		return ""
	}
	return ", "
}

// Cache is the leak. Whoever remembers a document tells Remembered, and waits there to be let go.
type Cache struct {
	Remembered chan bool

	documents map[int]Document
	converted []interface{}
}

// Remember decodes documents from first up to last, keeps them, and then waits.
func (c *Cache) Remember(first, last int) {
	if c.documents == nil {
		c.documents = map[int]Document{}
	}
	for i := first; i < last; i++ {
		c.documents[i] = Decode(i)
	}
	c.Remembered <- true
}

type settings map[string]int

// Convert turns maps into interfaces of another type by reflection, and keeps them.
func (c *Cache) Convert(n int) {
	target := reflect.TypeOf(settings(nil))
	for range n {
		m := map[string]int{"a": 1, "b": 2}
		c.converted = append(c.converted, reflect.ValueOf(m).Convert(target).Interface())
	}
}

// Documents returns how many are kept.
func (c *Cache) Documents() int { return len(c.documents) + len(c.converted) }

// Churn makes maps that are garbage at once: it allocates more than the leak, and keeps nothing.
func Churn(n int) (size int) {
	for i := range n {
		m := map[int]int{}
		for key := range 200 {
			m[key] = i
		}
		size += len(m)
	}
	return size
}
