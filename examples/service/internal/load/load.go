// Package load sends requests to the shop: a closed loop, in which each client waits
// for its answer before it asks again.
package load

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"storefront/internal/server"
)

// articles is how many articles the clients ask for in turn. It is many times the
// number of clients: no two ask for the same one at the same time.
const articles = 200

// Run sends count requests, numbered from first on, from so many clients. It returns
// how many failed.
func Run(ctx context.Context, shop *server.Server, first, count, clients int) int {
	var next, failed atomic.Int64
	// The clients' end is told by a channel, not by a sync.WaitGroup: waiting for the
	// end of the load is no contention, and should not be counted with it.
	done := make(chan struct{}, clients)
	for range clients {
		go func() {
			client(ctx, shop, first, count, &next, &failed)
			done <- struct{}{}
		}()
	}
	for range clients {
		<-done
	}
	return int(failed.Load())
}

func client(ctx context.Context, shop *server.Server, first, count int, next, failed *atomic.Int64) {
	for {
		n := int(next.Add(1)) - 1
		if n >= count {
			return
		}
		if _, err := shop.Serve(ctx, Request(first+n)); err != nil {
			failed.Add(1)
		}
	}
}

// Request returns the request of a number, which is always the same.
func Request(number int) server.Request {
	sku := fmt.Sprintf("sku-%05d", number%articles)
	request := server.Request{Number: number, Visitor: uint64(number)}
	binary.LittleEndian.PutUint64(request.Session[:], uint64(number))
	binary.LittleEndian.PutUint64(request.Session[8:], uint64(number)*0x9e3779b97f4a7c15)
	switch number % 3 {
	case 0:
		request.Route = "/order"
		request.Body = fmt.Appendf(nil, `{
			"lines": {%q: "2", "gift-wrap": "1", "voucher": "SPRING"},
			"ship": {"name": "A. Buyer", "street": "Long Road %d", "city": "Delft", "zip": "2611"},
			"pay": {"kind": "card", "holder": "A. Buyer", "month": "08", "year": "31"}
		}`, sku, number)
	case 1:
		request.Route = "/browse"
		request.Body = fmt.Appendf(nil, `{
			"filter": {"word": "lamp", "from": "%d", "sku": %q},
			"view": {"sort": "name", "page": "1", "size": "20"}
		}`, number*31, sku)
	default:
		request.Route = "/profile"
		request.Body = fmt.Appendf(nil, `{
			"display": {"theme": "dark", "columns": 3, "compact": true},
			"mail": {"news": false, "orders": true, "weekday": %d},
			"privacy": {"ads": false, "share": false}
		}`, number%7)
	}
	return request
}
