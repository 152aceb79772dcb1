"""The same functions under Prefect, on a schedule; the only folder that imports it."""
