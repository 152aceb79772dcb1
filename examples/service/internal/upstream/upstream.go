// Package upstream stands for the services that the shop asks over the network: it
// answers after a fixed time. The time is slept and not computed, so that it is the
// same on a busy machine.
package upstream

import (
	"strconv"
	"time"
)

// Client asks the upstream services.
type Client struct {
	PriceLatency time.Duration
	RatesLatency time.Duration
}

// New returns a client with the usual latencies.
func New() *Client {
	return &Client{PriceLatency: time.Millisecond, RatesLatency: 3 * time.Millisecond}
}

// Price returns what is known of an article's price.
func (c *Client) Price(sku string) map[string]string {
	pause(c.PriceLatency)
	cents := 100
	for _, letter := range []byte(sku) {
		cents += int(letter)
	}
	return map[string]string{
		"sku":      sku,
		"cents":    strconv.Itoa(cents),
		"currency": "EUR",
		"source":   "list",
	}
}

// Rates returns the exchange rates, as EUR × 1000.
func (c *Client) Rates() [3]int {
	pause(c.RatesLatency)
	return [3]int{1000, 1080, 860}
}

func pause(d time.Duration) {
	if d > 0 {
		time.Sleep(d)
	}
}
