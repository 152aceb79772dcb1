// Package capture writes what the Go runtime can tell about this process to files.
package capture

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
)

// SetRates makes the profiles fine enough for a run of a second: every block and
// every contended lock, and an allocation for each half KiB, so that a site of a few
// hundred small objects is within some percent.
func SetRates() {
	runtime.MemProfileRate = 512
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
}

// Recording is an execution trace and a CPU profile in progress.
type Recording struct {
	trace, cpu *os.File
}

// Start begins to record trace.out and cpu.pb.gz in dir.
func Start(dir string) (*Recording, error) {
	traceFile, err := os.Create(filepath.Join(dir, "trace.out"))
	if err != nil {
		return nil, err
	}
	cpuFile, err := os.Create(filepath.Join(dir, "cpu.pb.gz"))
	if err != nil {
		return nil, err
	}
	// The CPU profile runs inside of the trace, which then holds its samples too.
	if err := trace.Start(traceFile); err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpuFile); err != nil {
		return nil, err
	}
	return &Recording{trace: traceFile, cpu: cpuFile}, nil
}

// Stop ends the recording and closes its files.
func (r *Recording) Stop() error {
	pprof.StopCPUProfile()
	trace.Stop()
	return errors.Join(r.trace.Close(), r.cpu.Close())
}

// Profiles writes the profiles of everything since the process began, and of what
// is live now.
func Profiles(dir string) error {
	runtime.GC() // the heap profile is as of the last collection
	files := []struct {
		name, profile string
		debug         int
	}{
		{"heap.pb.gz", "heap", 0},
		{"heap.txt", "heap", 1},
		{"allocs.pb.gz", "allocs", 0},
		{"block.pb.gz", "block", 0},
		{"mutex.pb.gz", "mutex", 0},
	}
	for _, f := range files {
		if err := write(filepath.Join(dir, f.name), f.profile, f.debug); err != nil {
			return err
		}
	}
	return nil
}

// Goroutines writes all goroutines' stacks as they are now, as text and as a profile.
func Goroutines(dir string) error {
	return errors.Join(
		write(filepath.Join(dir, "goroutines.txt"), "goroutine", 2),
		write(filepath.Join(dir, "goroutine.pb.gz"), "goroutine", 0),
	)
}

func write(path, profile string, debug int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup(profile).WriteTo(file, debug), file.Close())
}
