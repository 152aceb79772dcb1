// Storefront is a small shop service that loads and observes itself: it serves a
// fixed number of requests to its own clients, all in one process, and writes every
// capture that Go offers about them.
//
// There is no network: a request is a call. That keeps net/http out of the binary,
// and leaves nothing to chance but the scheduler.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"runtime"
	"runtime/debug"

	"storefront/internal/cache"
	"storefront/internal/capture"
	"storefront/internal/catalog"
	"storefront/internal/load"
	"storefront/internal/server"
	"storefront/internal/upstream"
	"storefront/internal/workers"
)

const (
	products    = 30_000 // the constant live heap, against which a leak must stay small
	workerCount = 4
	warmUp      = 30 // requests, in which all that is made once is made
)

func main() {
	requests := flag.Int("requests", 900, "how many requests to serve")
	clients := flag.Int("clients", 16, "how many clients send them, each one at a time")
	out := flag.String("out", ".", "the folder to write captures to")
	flag.Parse()

	// Standard error is left to the runtime, which writes its GC trace there.
	log.SetOutput(os.Stdout)
	log.SetFlags(0)
	if err := run(*requests, *clients, *out); err != nil {
		log.Fatal(err)
	}
}

func run(requests, clients int, out string) error {
	capture.SetRates()
	goods := catalog.Load(products)
	// Room for a job of every client: handing one over never blocks.
	pool := workers.Start(workerCount, clients)
	defer pool.Stop()
	shop := server.New(goods, cache.NewPrices(upstream.New()), pool)
	ctx := context.Background()

	load.Run(ctx, shop, 0, warmUp, 1)
	runtime.GC() // what loading left behind is not the load's garbage
	log.Printf("serving %d requests to %d clients", requests, clients)
	recording, err := capture.Start(out)
	if err != nil {
		return err
	}
	failed := load.Run(ctx, shop, warmUp, requests, clients)
	if err := recording.Stop(); err != nil {
		return err
	}
	log.Printf("served %d requests, %d failed", requests, failed)
	if err := capture.Profiles(out); err != nil {
		return err
	}
	return dumpUnderLoad(ctx, shop, warmUp+requests, clients, out)
}

// dumpUnderLoad writes the goroutine dump in the middle of a second, short load: a
// dump of an idle service shows nothing. The profiles are written by then, so it
// adds nothing to them.
func dumpUnderLoad(ctx context.Context, shop *server.Server, first, clients int, out string) error {
	const more = 300
	debug.SetGCPercent(-1) // the GC trace ends with the load that is measured
	done := make(chan struct{})
	go func() {
		load.Run(ctx, shop, first, more, clients)
		close(done)
	}()
	shop.AwaitServed(first + more/3)
	err := capture.Goroutines(out)
	<-done
	return err
}
