"""Which commit: those between the last good and the first bad build, ranked by what of the changed path they touch."""
