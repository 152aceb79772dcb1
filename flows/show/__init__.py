"""What a person or a program reads: tables, the report, exports, queries."""
