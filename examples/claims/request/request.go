// Package request serves a request with a context of ten fields, kept in three ways.
package request

import (
	"strconv"
	"sync"
	"time"
)

// Fields is the context as a struct.
type Fields struct {
	ID, Trace, User, Tenant, Path, Locale string
	Status, Size, Retries                 int
	Started                               time.Time
}

var started = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// WithMap makes a map for each request.
func WithMap(i int) int {
	ctx := map[string]interface{}{}
	fill(ctx, i)
	return handleMap(ctx)
}

// WithStruct makes a struct for each request.
func WithStruct(i int) int {
	ctx := Fields{
		ID: text(i), Trace: text(i + 1), User: text(i + 2), Tenant: text(i + 3), Path: text(i + 4),
		Locale: "en", Status: 1000 + i, Size: 2000 + i, Retries: 3000 + i, Started: started,
	}
	return handleStruct(&ctx)
}

var pool = sync.Pool{New: func() interface{} { return map[string]interface{}{} }}

// WithPool takes a map from a pool, and clears it before it goes back.
func WithPool(i int) int {
	ctx := pool.Get().(map[string]interface{})
	fill(ctx, i)
	size := handleMap(ctx)
	clear(ctx)
	pool.Put(ctx)
	return size
}

func fill(ctx map[string]interface{}, i int) {
	ctx["id"], ctx["trace"], ctx["user"] = text(i), text(i+1), text(i+2)
	ctx["tenant"], ctx["path"], ctx["locale"] = text(i+3), text(i+4), "en"
	ctx["status"], ctx["size"], ctx["retries"] = 1000+i, 2000+i, 3000+i
	ctx["started"] = started
}

// The strings exist already, as they do in a request: only the context is to be measured.
var texts = func() (all [256]string) {
	for i := range all {
		all[i] = "value-" + strconv.Itoa(i)
	}
	return all
}()

func text(i int) string { return texts[i%len(texts)] }

// current stands for what hands the context on, behind an interface that the compiler can't see through.
var current handler = sizer{}

type handler interface {
	HandleMap(ctx map[string]interface{}) int
}

type sizer struct{}

//go:noinline
func (sizer) HandleMap(ctx map[string]interface{}) int {
	return len(ctx["id"].(string)) + ctx["size"].(int)
}

func handleMap(ctx map[string]interface{}) int { return current.HandleMap(ctx) }

//go:noinline
func handleStruct(ctx *Fields) int { return len(ctx.ID) + ctx.Size }
