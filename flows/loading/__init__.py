"""Loading: what there is, what is new of it, and each capture into the store."""
