// Package catalog holds the shop's articles: the larger, constant part of its heap.
package catalog

import (
	"fmt"
	"strings"
)

// Product is an article of the shop.
type Product struct {
	SKU   string
	Name  string
	Tags  []string
	Stock int
}

// Catalog is the list of all articles.
type Catalog struct {
	products []*Product
}

// Load returns a catalog of count articles.
func Load(count int) *Catalog {
	kinds := []string{"lamp", "chair", "shelf", "rug", "clock", "vase", "mirror"}
	colours := []string{"red", "white", "oak", "black", "green"}
	c := &Catalog{products: make([]*Product, count)}
	for i := range c.products {
		kind, colour := kinds[i%len(kinds)], colours[i%len(colours)]
		c.products[i] = &Product{
			SKU:   fmt.Sprintf("sku-%05d", i),
			Name:  fmt.Sprintf("%s %s no. %d", colour, kind, i),
			Tags:  []string{kind, colour},
			Stock: i % 50,
		}
	}
	return c
}

// At returns an article by its number, counted round.
func (c *Catalog) At(number int) *Product {
	return c.products[number%len(c.products)]
}

// Search returns up to limit articles from a place in the list on whose name has word.
func (c *Catalog) Search(word string, from, limit int) []*Product {
	var found []*Product
	for i := 0; i < 200 && len(found) < limit; i++ {
		if p := c.At(from + i); strings.Contains(p.Name, word) {
			found = append(found, p)
		}
	}
	return found
}
