// Package server takes requests, gives each its context, and calls the handler of
// its route.
package server

import (
	"context"
	"fmt"
	"runtime/trace"
	"sync/atomic"
	"time"

	"storefront/internal/cache"
	"storefront/internal/catalog"
	"storefront/internal/session"
	"storefront/internal/workers"
)

// Request is what a client asks.
type Request struct {
	Number  int
	Session session.ID
	Visitor uint64
	Route   string
	Body    []byte
}

type handler func(ctx context.Context, body []byte) ([]byte, error)

// Server is the shop.
type Server struct {
	goods  *catalog.Catalog
	prices *cache.Prices
	pool   *workers.Pool
	routes map[string]handler
	served atomic.Int64
}

// New returns a shop that sells goods.
func New(goods *catalog.Catalog, prices *cache.Prices, pool *workers.Pool) *Server {
	s := &Server{goods: goods, prices: prices, pool: pool}
	s.routes = map[string]handler{
		"/order":   s.placeOrder,
		"/browse":  s.browse,
		"/profile": s.updateProfile,
	}
	return s
}

// Serve answers one request.
func (s *Server) Serve(ctx context.Context, request Request) ([]byte, error) {
	defer s.served.Add(1)
	handle, ok := s.routes[request.Route]
	if !ok {
		return nil, fmt.Errorf("no such route: %s", request.Route)
	}
	ctx, task := trace.NewTask(ctx, request.Route)
	defer task.End()
	return handle(withValues(ctx, request), request.Body)
}

// AwaitServed returns once the shop has served count requests since it began.
func (s *Server) AwaitServed(count int) {
	for s.served.Load() < int64(count) {
		time.Sleep(100 * time.Microsecond)
	}
}

type valuesKey struct{}

// withValues adds to a context what the handlers and what they call may want to know
// of the request.
func withValues(ctx context.Context, request Request) context.Context {
	values := make(map[string]interface{})
	values["number"] = request.Number
	values["route"] = request.Route
	values["session"] = request.Session
	values["visitor"] = request.Visitor
	values["size"] = len(request.Body)
	values["started"] = time.Now()
	values["locale"] = "nl-NL"
	values["currency"] = "EUR"
	values["debug"] = false
	values["tags"] = []string{"web", request.Route}
	return context.WithValue(ctx, valuesKey{}, values)
}

// job returns the job of ctx's request, to be done by the pool.
func job(ctx context.Context, work func() []byte) workers.Job {
	values := ctx.Value(valuesKey{}).(map[string]interface{})
	return workers.Job{
		Session: values["session"].(session.ID),
		Visitor: values["visitor"].(uint64),
		Route:   values["route"].(string),
		Work:    work,
	}
}
