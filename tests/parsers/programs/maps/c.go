package main

// int twice(int x) { return 2 * x; }
import "C"

// With cgo, C code stands before Go's in the binary; without, this file is left out.
var _ = C.twice(4)
