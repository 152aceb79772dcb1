//go:build !unoptimised

package bench

const compiled = "optimised"
