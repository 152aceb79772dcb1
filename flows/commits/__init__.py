"""Which commit: those between a good and a bad build, ranked by what of the changed path they touch."""
