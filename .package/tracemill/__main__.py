"""``python -m tracemill``: the command line."""

from tracemill.flows.cli import main

main(prog_name="tracemill")
