// Fills maps in every way we know, and writes into the folder named by its argument
//
//	heap.pb.gz, heap.txt  the heap profile, protobuf and debug=1
//	truth.tsv             what the full stacks of runtime.MemProfile say: class, bytes, objects, and the
//	                      innermost function, file and line outside the runtime
//
// Every allocation is recorded (MemProfileRate 1) and all three are of one moment. With seconds as second argument the
// work is done over and over for so long, and what a build in CI would keep of it is written too:
//
//	trace.out, cpu.pb.gz, block.pb.gz, mutex.pb.gz
//
// Builds with Go 1.21 and later.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"strings"
	"time"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func isRuntime(name string) bool {
	return strings.HasPrefix(name, "runtime.") || strings.HasPrefix(name, "internal/runtime/")
}

// class says what kind of call a function is.
func class(name string) string {
	for prefix, kind := range map[string]string{
		"runtime.mapassign": "assign", "reflect.mapassign": "assign",
		"runtime.makemap": "make", "reflect.makemap": "make",
		"runtime.mapclone": "clone", "maps.clone": "clone",
		"runtime.convT": "convert", "reflect.packEface": "convert",
		"runtime.hashGrow": "grow", "runtime.growWork": "grow", "runtime.evacuate": "grow",
		"runtime.(*hmap).newoverflow":              "grow",
		"internal/runtime/maps.(*Map).growToTable": "grow", "internal/runtime/maps.(*table).rehash": "grow",
	} {
		if strings.HasPrefix(name, prefix) {
			return kind
		}
	}
	return "other"
}

// attribute gives the innermost frame that a heap profile shows, and what it is or calls.
func attribute(stack []uintptr) (string, runtime.Frame) {
	hidden := 0
	// As runtime/pprof does: by the function at the return address, which may be an inlined one.
	for hidden < len(stack)-1 && isRuntime(runtime.FuncForPC(stack[hidden]).Name()) {
		hidden++
	}
	called, grows := "", false
	for frames, more := runtime.CallersFrames(stack[:hidden]), hidden > 0; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		called = frame.Function
		grows = grows || class(called) == "grow"
	}
	shown := runtime.CallersFrames(stack[hidden:])
	leaf, more := shown.Next()
	kind := class(leaf.Function)
	if kind == "other" {
		kind = class(called)
	}
	for frame := leaf; ; frame, more = shown.Next() {
		if strings.HasPrefix(frame.Function, "sync.(*Map).") {
			return "sync", leaf
		}
		if leaf.Function == "reflect.unsafe_New" && frame.Function == "reflect.packEface" {
			return "convert", leaf
		}
		if !more {
			break
		}
	}
	if kind == "assign" && grows {
		kind = "grow"
	}
	return kind, leaf
}

func writeTruth(file string) {
	n, _ := runtime.MemProfile(nil, true)
	records := make([]runtime.MemProfileRecord, n+1000)
	n, ok := runtime.MemProfile(records, true)
	if !ok {
		panic("the profile grew")
	}
	f, err := os.Create(file)
	check(err)
	for i := range records[:n] {
		r := &records[i]
		if r.AllocObjects == 0 {
			continue
		}
		kind, frame := attribute(r.Stack())
		fmt.Fprintf(f, "%s\t%d\t%d\t%s\t%s\t%d\n", kind, r.AllocBytes, r.AllocObjects, frame.Function, frame.File, frame.Line)
	}
	check(f.Close())
}

func create(folder, name string) *os.File {
	f, err := os.Create(filepath.Join(folder, name))
	check(err)
	return f
}

func write(folder, profile, name string, level int) {
	f := create(folder, name)
	check(pprof.Lookup(profile).WriteTo(f, level))
	check(f.Close())
}

// work fills the maps of every workload once; what the round before it kept is free.
func work() {
	sink = nil
	for _, workload := range workloads {
		workload()
	}
}

func writeHeap(folder string) {
	runtime.GC()
	runtime.GC()
	debug.SetGCPercent(-1)
	write(folder, "heap", "heap.pb.gz", 0)
	write(folder, "heap", "heap.txt", 1)
	writeTruth(filepath.Join(folder, "truth.tsv"))
}

// Run does the work and writes what it cost; the test binary calls it too.
func Run(folder string) {
	runtime.MemProfileRate = 1
	work()
	writeHeap(folder)
}

// repeat does the work over and over, traced and profiled.
func repeat(folder string, seconds int) {
	runtime.MemProfileRate = 1
	runtime.SetBlockProfileRate(1000)
	runtime.SetMutexProfileFraction(1)
	traced, sampled := create(folder, "trace.out"), create(folder, "cpu.pb.gz")
	check(trace.Start(traced))
	check(pprof.StartCPUProfile(sampled))
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); {
		work()
	}
	pprof.StopCPUProfile()
	trace.Stop()
	check(traced.Close())
	check(sampled.Close())
	write(folder, "block", "block.pb.gz", 0)
	write(folder, "mutex", "mutex.pb.gz", 0)
	writeHeap(folder)
}

func main() {
	if len(os.Args) == 2 {
		Run(os.Args[1])
		return
	}
	seconds, err := strconv.Atoi(os.Args[2])
	check(err)
	repeat(os.Args[1], seconds)
}
