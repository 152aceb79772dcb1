//go:build unoptimised

package bench

const compiled = "unoptimised"
