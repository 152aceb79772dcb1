"""Captures, ranges of time and verdicts in formats of other tools: pprof, speedscope, Perfetto, PGO."""
