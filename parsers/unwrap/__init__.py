"""What stands around the bytes of a capture: compression, logs, encodings, the go command's events."""
