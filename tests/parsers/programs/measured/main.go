// Writes what the program measures of its own runtime, before and after some work: metrics.json (two snapshots of
// runtime/metrics), metrics.txt (as the example in its documentation), vars.json (expvar) and metrics.prom (in the
// names of Prometheus' client_golang).
package main

import (
	"bufio"
	"encoding/json"
	"expvar"
	"fmt"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"time"
)

var kept [][]byte

func work() {
	done := make(chan int)
	for i := 0; i < 50; i++ {
		go func() {
			for n := 0; n < 200; n++ {
				runtime.Gosched()
			}
			done <- i
		}()
	}
	for i := 0; i < 50; i++ {
		<-done
		kept = append(kept, make([]byte, 100_000))
	}
	runtime.GC()
}

func read() []metrics.Sample {
	all := metrics.All()
	samples := make([]metrics.Sample, 0, len(all))
	for _, each := range all {
		samples = append(samples, metrics.Sample{Name: each.Name})
	}
	metrics.Read(samples)
	return samples
}

func finite(bounds []float64) []any {
	out := make([]any, len(bounds))
	for i, bound := range bounds {
		if !math.IsInf(bound, 0) {
			out[i] = bound
		}
	}
	return out
}

func snapshot(samples []metrics.Sample) map[string]any {
	found := map[string]any{"time": time.Now().Format(time.RFC3339Nano)}
	for _, each := range samples {
		switch each.Value.Kind() {
		case metrics.KindUint64:
			found[each.Name] = each.Value.Uint64()
		case metrics.KindFloat64:
			found[each.Name] = each.Value.Float64()
		case metrics.KindFloat64Histogram:
			h := each.Value.Float64Histogram()
			found[each.Name] = map[string]any{"Counts": h.Counts, "Buckets": finite(h.Buckets)}
		}
	}
	return found
}

func create(name string) *os.File {
	file, err := os.Create(filepath.Join(os.Args[1], name))
	if err != nil {
		panic(err)
	}
	return file
}

func prometheus(samples []metrics.Sample) {
	file := create("metrics.prom")
	defer file.Close()
	out := bufio.NewWriter(file)
	defer out.Flush()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Fprintf(out, "# HELP go_gc_duration_seconds A summary of the pause duration of garbage collection cycles.\n")
	fmt.Fprintf(out, "# TYPE go_gc_duration_seconds summary\ngo_gc_duration_seconds{quantile=\"0.5\"} 4.5e-05\n")
	fmt.Fprintf(out, "go_gc_duration_seconds_sum %g\ngo_gc_duration_seconds_count %d\n", float64(stats.PauseTotalNs)/1e9, stats.NumGC)
	fmt.Fprintf(out, "# TYPE go_goroutines gauge\ngo_goroutines %d\n", runtime.NumGoroutine())
	fmt.Fprintf(out, "# TYPE go_info gauge\ngo_info{version=%q} 1\n", runtime.Version())
	fmt.Fprintf(out, "# TYPE go_memstats_heap_alloc_bytes gauge\ngo_memstats_heap_alloc_bytes %g\n", float64(stats.HeapAlloc))
	fmt.Fprintf(out, "# TYPE go_memstats_next_gc_bytes gauge\ngo_memstats_next_gc_bytes %g\n", float64(stats.NextGC))
	for _, each := range samples {
		if each.Name != "/sched/latencies:seconds" {
			continue
		}
		h, sum := each.Value.Float64Histogram(), uint64(0)
		fmt.Fprintf(out, "# TYPE go_sched_latencies_seconds histogram\n")
		for i, count := range h.Counts {
			sum += count
			if bound := h.Buckets[i+1]; !math.IsInf(bound, 1) {
				fmt.Fprintf(out, "go_sched_latencies_seconds_bucket{le=\"%g\"} %d\n", bound, sum)
			}
		}
		fmt.Fprintf(out, "go_sched_latencies_seconds_bucket{le=\"+Inf\"} %d\n", sum)
		fmt.Fprintf(out, "go_sched_latencies_seconds_sum NaN\ngo_sched_latencies_seconds_count %d\n", sum)
	}
}

func main() {
	lines := create("metrics.json")
	defer lines.Close()
	encoder := json.NewEncoder(lines)
	work()
	if err := encoder.Encode(snapshot(read())); err != nil {
		panic(err)
	}
	work()
	samples := read()
	if err := encoder.Encode(snapshot(samples)); err != nil {
		panic(err)
	}
	text := create("metrics.txt")
	defer text.Close()
	for _, each := range samples {
		switch each.Value.Kind() {
		case metrics.KindUint64:
			fmt.Fprintf(text, "%s: %d\n", each.Name, each.Value.Uint64())
		case metrics.KindFloat64:
			fmt.Fprintf(text, "%s: %f\n", each.Name, each.Value.Float64())
		}
	}
	expvar.NewInt("requests").Set(12)
	expvar.NewMap("routes").Add("/buy", 3)
	answer := httptest.NewRecorder()
	expvar.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/debug/vars", nil))
	vars := create("vars.json")
	defer vars.Close()
	if _, err := vars.Write(answer.Body.Bytes()); err != nil {
		panic(err)
	}
	prometheus(samples)
}
