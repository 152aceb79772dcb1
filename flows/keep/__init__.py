"""Keeping a warehouse: verify, repair, rollback, forget, retention, compact."""
