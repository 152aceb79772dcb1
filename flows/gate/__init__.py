"""The gate: may this build pass, and how its answer is written."""
