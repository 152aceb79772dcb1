// Package cache keeps prices, so that not every request asks upstream.
package cache

import (
	"sync"

	"storefront/internal/upstream"
)

const (
	usesPerFetch = 2  // a price is asked for again after so many uses
	ratesEvery   = 80 // lookups between two reloads of the exchange rates
)

type entry struct {
	price map[string]string
	uses  int
}

// Prices is a cache of prices by article. It is safe for concurrent use.
type Prices struct {
	upstream *upstream.Client

	mu      sync.Mutex
	entries map[string]entry
	lookups int
	rates   [3]int
}

// NewPrices returns an empty cache in front of client.
func NewPrices(client *upstream.Client) *Prices {
	return &Prices{upstream: client, entries: make(map[string]entry)}
}

// Lookup returns the price of an article, from upstream if need be.
func (p *Prices) Lookup(sku string) map[string]string {
	p.mu.Lock()
	p.reloadRates()
	cached, ok := p.entries[sku]
	if ok && cached.uses < usesPerFetch {
		cached.uses++
		p.entries[sku] = cached
		p.mu.Unlock()
		return cached.price
	}
	p.mu.Unlock()

	price := p.upstream.Price(sku)

	p.mu.Lock()
	p.entries[sku] = entry{price: price, uses: 1}
	p.mu.Unlock()
	return price
}

// reloadRates asks for the exchange rates now and then. Others wait meanwhile: no
// two prices of one moment may use different rates. The caller holds the lock.
func (p *Prices) reloadRates() {
	if p.lookups%ratesEvery == 0 {
		p.rates = p.upstream.Rates()
	}
	p.lookups++
}
