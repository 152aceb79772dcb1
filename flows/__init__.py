"""What is run, as plain functions, and their front doors."""
