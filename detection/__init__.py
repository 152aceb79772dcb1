"""Where a series changes, and how sure that is: arrays in, arrays out."""
