"""The Go service whose builds the demo tells of, its recorder, and what it recorded."""
