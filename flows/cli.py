"""The command line: the group of verbs, and what becomes of their errors. The verbs are in verbs/.

Each verb imports what it needs when it is called, so that `sql` does not wait
for parsers and nothing but `--prefect` waits for Prefect.

Exit codes: 0 done; 1 regressions (gate) or failed inputs; 2 could not judge, or nothing was read or done.
130 stopped.
"""

from __future__ import annotations

import difflib
import logging
import sys
import traceback
from typing import Any

import click

from tracemill.flows.show.terminal import leave_unread, tell, visible_lines, write_what_can_be_read
from tracemill.flows.signals import stopped_in_queries
from tracemill.flows.verbs import (
    commits,
    compare,
    completion,
    exports,
    jobs,
    keep,
    looks,
    notify,
    questions,
    record,
    shrink,
    top,
    upkeep,
    verdicts,
)
from tracemill.flows.verbs.options import with_common_options

# The verbs as a person looks for them: by what they are about to do.
GROUPS = {
    "Every day": ("run", "regressions", "show", "compare"),
    "Look": ("commits", "top", "timeline", "open", "sql", "report", "export", "inspect"),
    "Gate": ("gate", "accept", "record", "notify"),
    "Keep": (
        *("builds", "metrics", "doctor", "ingest", "build"),
        *("forget", "retention", "compact", "verify", "repair", "rollback"),
    ),
    "Serve": ("serve", "collect", "settings", "completion"),
}


class _Verbs(click.Group):
    """Lists the verbs in groups, suggests the nearest, turns our errors into one sentence and exit code 2."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Each verb with its first sentence, whole."""
        for group, names in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([(name, _first_sentence(self.commands[name])) for name in names])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.commands, n=1)
            ctx.fail(f"no verb {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        write_what_can_be_read()
        try:
            with stopped_in_queries():
                return super().invoke(ctx)
        except click.ClickException as error:
            error.message = visible_lines(error.message)  # type: ignore[misc] # final, and shown by click itself
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            leave_unread()
            ctx.exit(0)
        except KeyboardInterrupt as stop:
            tell(f"stopped{f': {stop}' if str(stop) else ''}", err=True)
            ctx.exit(130)  # as shells have it; click's own 1 is a regression to whoever asked the gate
        except Exception as error:  # noqa: BLE001 - nothing may end with the code of a verdict
            sentence = _sentence(error)
            if sentence is None:
                # Python would end with 1, which is a regression to whoever asked the gate.
                tell(traceback.format_exc(), err=True, nl=False)
            else:
                tell(f"tracemill: {sentence}", err=True)
            ctx.exit(2)


class _Visible(logging.Formatter):
    """Log lines without what could steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return visible_lines(super().format(record))


def _first_sentence(command: click.Command) -> str:
    return command.get_short_help_str(limit=200)


def _sentence(error: Exception) -> str | None:
    """What to tell the user of an error that is about his input; None for a fault of ours."""
    if isinstance(error, OSError):
        from tracemill.warehouse.durable import fact_of

        return f"{error.filename}: {fact_of(error)}" if error.filename else str(error)
    if type(error).__module__.partition(".")[0] in {"_duckdb", "duckdb"}:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return "; ".join(line for line in lines if not line.startswith(("LINE ", "^")))
    from tracemill.warehouse.schema.errors import TracemillError

    return str(error) if isinstance(error, TracemillError) else None


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tracemill", prog_name="tracemill")
@click.option("-v", "--verbose", is_flag=True, help="Log one line for each input to standard error.")
def main(verbose: bool) -> None:
    """Go traces, profiles, dumps and benchmarks as a warehouse, and what regressed from build to build.

    \b
    tracemill run artifacts/       load what is new, judge it, write the report
    tracemill regressions          what got worse, at which build
    tracemill top trace.out        what costs most in a file

    Artifacts lie as artifacts/<build>/<run>/<file>; a file directly in <build>/ (its binary, its
    compiler listing) belongs to the whole build. What a file is, its content tells.
    """
    shown = logging.StreamHandler(sys.stderr)
    shown.setFormatter(_Visible("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[shown])


for _module in (
    *(jobs, verdicts, compare, commits, record, notify, looks, top, exports),
    *(questions, keep, shrink, upkeep, completion),
):
    for _verb in vars(_module).values():
        if isinstance(_verb, click.Command) and _verb.name not in main.commands:
            main.add_command(with_common_options(_verb))
