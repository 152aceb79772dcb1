package server

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/trace"
	"strconv"
)

// form is a request's body: fields by section.
type form map[string]map[string]string

// placeOrder prices an order and returns its receipt.
func (s *Server) placeOrder(ctx context.Context, body []byte) ([]byte, error) {
	order, err := decodeForm(ctx, body)
	if err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	totals := make(form)
	for sku, amount := range order["lines"] {
		if sku == "voucher" || sku == "gift-wrap" {
			continue
		}
		price := s.prices.Lookup(sku)
		cents, _ := strconv.Atoi(price["cents"])
		count, _ := strconv.Atoi(amount)
		totals[sku] = map[string]string{
			"amount": amount,
			"cents":  strconv.Itoa(cents * count),
		}
	}
	trace.Log(ctx, "order", "priced")
	return s.pool.Do(job(ctx, func() []byte { return receipt(order, totals) })), nil
}

// browse returns a page of articles, the asked one with its price.
func (s *Server) browse(ctx context.Context, body []byte) ([]byte, error) {
	query, err := decodeForm(ctx, body)
	if err != nil {
		return nil, fmt.Errorf("browse: %w", err)
	}
	filter := query["filter"]
	from, err := strconv.Atoi(filter["from"])
	if err != nil {
		return nil, fmt.Errorf("browse: from: %w", err)
	}
	price := s.prices.Lookup(filter["sku"])
	return s.pool.Do(job(ctx, func() []byte {
		return page(s.goods.Search(filter["word"], from, 20), price)
	})), nil
}

// updateProfile lays a visitor's wishes over the defaults.
func (s *Server) updateProfile(ctx context.Context, body []byte) ([]byte, error) {
	var wishes map[string]map[string]interface{}
	if err := json.Unmarshal(body, &wishes); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return s.pool.Do(job(ctx, func() []byte {
		answer, err := json.Marshal(mergeProfile(wishes))
		if err != nil {
			return []byte(err.Error())
		}
		return answer
	})), nil
}

func decodeForm(ctx context.Context, body []byte) (form, error) {
	defer trace.StartRegion(ctx, "decode").End()
	var decoded form
	err := json.Unmarshal(body, &decoded)
	return decoded, err
}

// mergeProfile returns the defaults with the wishes laid over them.
func mergeProfile(wishes map[string]map[string]interface{}) map[string]map[string]interface{} {
	profile := map[string]map[string]interface{}{
		"display": {"theme": "light", "columns": 2, "zoom": 100},
		"mail":    {"news": true, "orders": true},
		"privacy": {"ads": true, "share": true, "cookies": "few"},
	}
	for section, fields := range wishes {
		for name, value := range fields {
			profile[section][name] = value
		}
	}
	return profile
}
