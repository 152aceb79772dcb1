package server

import (
	"bytes"
	"fmt"
	"strconv"

	"storefront/internal/catalog"
)

// receipt returns an order's receipt as text.
func receipt(order, totals form) []byte {
	var text bytes.Buffer
	fmt.Fprintf(&text, "To %s, %s, %s\n", order["ship"]["name"], order["ship"]["street"], order["ship"]["city"])
	sum := 0
	for sku, total := range totals {
		cents, _ := strconv.Atoi(total["cents"])
		fmt.Fprintf(&text, "%s × %s: %d.%02d\n", total["amount"], sku, cents/100, cents%100)
		sum += cents
	}
	fmt.Fprintf(&text, "Sum %d.%02d, paid by %s\n", sum/100, sum%100, order["pay"]["kind"])
	return framed(text.Bytes())
}

// page returns a page of articles as text, the price of the asked one on top.
func page(found []*catalog.Product, price map[string]string) []byte {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s: %s cents %s\n", price["sku"], price["cents"], price["currency"])
	for _, p := range found {
		fmt.Fprintf(&text, "%s  %-30s %3d in stock %v\n", p.SKU, p.Name, p.Stock, p.Tags)
	}
	return framed(text.Bytes())
}

// framed puts text into the shop's frame: a large copy for a small text, as template
// engines make them, and most of the shop's garbage.
func framed(text []byte) []byte {
	const frame = 12 << 10
	whole := make([]byte, 0, frame+len(text))
	whole = append(whole, "<html><body><pre>"...)
	whole = append(whole, text...)
	return append(whole, "</pre></body></html>"...)
}
