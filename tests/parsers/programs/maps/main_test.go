package main

import (
	"os"
	"testing"
)

// TestRun makes a test binary (go test -c) do the same work.
func TestRun(t *testing.T) { Run(os.Getenv("FOLDER")) }
