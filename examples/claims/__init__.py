"""The claims lab: what is claimed of maps in Go, measured."""
