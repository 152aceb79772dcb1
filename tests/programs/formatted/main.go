// Formatted formats maps in two loops, one often and one seldom, and writes a heap profile to the file it is given.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"runtime"
	"runtime/pprof"
)

var kept int

func hot(m map[string]int) {
	for i := 0; i < 20000; i++ {
		kept += len(fmt.Sprint(m))
	}
}

func cold(m map[string]int) {
	for i := 0; i < 2; i++ {
		b, err := json.Marshal(m)
		if err != nil {
			log.Fatal(err)
		}
		kept += len(b)
	}
}

func limit(settings map[string]interface{}) int { return settings["limit"].(int) }

func main() {
	runtime.MemProfileRate = 512
	m := map[string]int{}
	for i := 0; i < limit(map[string]interface{}{"limit": 16}); i++ {
		m[fmt.Sprint("key", i)] = i
	}
	hot(m)
	cold(m)
	file, err := os.Create(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	runtime.GC()
	if err := pprof.Lookup("heap").WriteTo(file, 0); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}
