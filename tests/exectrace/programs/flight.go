// Command flight writes snapshots of a flight recorder, and a trace that trace.Start wrote while it recorded.
//
//	flight OUT
//
// OUT/begin: the window of the recorder still has its start. OUT/window-1, OUT/window-2: it has lost it.
// OUT/last: long after the last snapshot before it. OUT/joined: by trace.Start beside the recorder. OUT/after: by
// trace.Start when the recorder had stopped.
package main

import (
	"os"
	"path/filepath"
	"runtime/trace"
	"sync"
	"time"
)

var mu sync.Mutex

func work() {
	for {
		mu.Lock()
		time.Sleep(5 * time.Millisecond)
		mu.Unlock()
	}
}

func write(name string, record func(f *os.File)) {
	f, err := os.Create(filepath.Join(os.Args[1], name+".trace"))
	if err != nil {
		panic(err)
	}
	defer f.Close()
	record(f)
}

func main() {
	recorder := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: 500 * time.Millisecond, MaxBytes: 1})
	snapshot := func(f *os.File) {
		if _, err := recorder.WriteTo(f); err != nil {
			panic(err)
		}
	}
	full := func(f *os.File) {
		if err := trace.Start(f); err != nil {
			panic(err)
		}
		time.Sleep(100 * time.Millisecond)
		trace.Stop()
	}
	go work()
	go work()
	if err := recorder.Start(); err != nil {
		panic(err)
	}
	time.Sleep(100 * time.Millisecond)
	write("begin", snapshot)
	time.Sleep(1200 * time.Millisecond)
	write("window-1", snapshot)
	time.Sleep(200 * time.Millisecond)
	write("window-2", snapshot)
	time.Sleep(3200 * time.Millisecond)
	write("last", snapshot)
	write("joined", full)
	recorder.Stop()
	write("after", full)
}
