// Writes its heap profile again and again, each time once that has grown to the next size.
//
// Usage: heaps FOLDER BYTES...
//
// bench/make_profiles.py generates the packages that it walks through.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"

	"example.com/shop/walk"
)

func main() {
	runtime.MemProfileRate = 1024
	w := walk.New(1)
	walks, profile := 0, record()
	for run, argument := range os.Args[2:] {
		target, err := strconv.Atoi(argument)
		check(err)
		for profile.Len() < target {
			more := 20
			if walks > 0 {
				more += (target - profile.Len()) * walks / profile.Len()
			}
			for range more {
				w.Go()
			}
			walks += more
			profile = record()
		}
		folder := filepath.Join(os.Args[1], fmt.Sprintf("r%02d", run))
		check(os.MkdirAll(folder, 0o755))
		check(os.WriteFile(filepath.Join(folder, "heap.pb.gz"), profile.Bytes(), 0o644))
	}
}

func record() *bytes.Buffer {
	// A heap profile shows what the last collection but one had seen.
	runtime.GC()
	runtime.GC()
	var profile bytes.Buffer
	check(pprof.WriteHeapProfile(&profile))
	return &profile
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
