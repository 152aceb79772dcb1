package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"storefront/internal/cache"
	"storefront/internal/catalog"
	"storefront/internal/load"
	"storefront/internal/server"
	"storefront/internal/upstream"
	"storefront/internal/workers"
)

func newShop(tb testing.TB, latency time.Duration) *server.Server {
	pool := workers.Start(2, 64)
	tb.Cleanup(pool.Stop)
	prices := cache.NewPrices(&upstream.Client{PriceLatency: latency})
	return server.New(catalog.Load(500), prices, pool)
}

func TestEveryRouteAnswers(t *testing.T) {
	shop := newShop(t, 0)
	for number, want := range []string{"Sum 14.48, paid by card", "sku-00001", `"theme":"dark"`} {
		answer, err := shop.Serve(context.Background(), load.Request(number))
		if err != nil || !strings.Contains(string(answer), want) {
			t.Errorf("request %d: got %q, %v; want it to have %q", number, answer, err, want)
		}
	}
}

func BenchmarkPlaceOrder(b *testing.B) { benchmarkRoute(b, 0) }

func BenchmarkBrowse(b *testing.B) { benchmarkRoute(b, 1) }

func BenchmarkUpdateProfile(b *testing.B) { benchmarkRoute(b, 2) }

// BenchmarkShop serves all routes to many clients, with an upstream that takes its
// time: what one client makes the others wait for shows here.
func BenchmarkShop(b *testing.B) {
	const visitors = 200 // who come again and again
	shop := newShop(b, time.Millisecond)
	b.ReportAllocs()
	b.ResetTimer()
	for served := 0; served < b.N; served += visitors {
		load.Run(context.Background(), shop, 0, min(visitors, b.N-served), 16)
	}
}

// benchmarkRoute serves one request over and over, with an upstream that answers at
// once. The request is always the same, and so is its session.
func benchmarkRoute(b *testing.B, number int) {
	shop := newShop(b, 0)
	request := load.Request(number)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := shop.Serve(context.Background(), request); err != nil {
			b.Fatal(err)
		}
	}
}
