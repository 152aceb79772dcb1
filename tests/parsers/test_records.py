"""A dump, collector lines and benchmarks read the same out of every structured log and every wrapper of
lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tracemill import parsers
from tracemill.parsers.registry import captures, detect
from tracemill.parsers.unwrap.source import Source

SAMPLES = Path(__file__).parents[1] / "samples"
PLAIN = [
    "benchmarks/go1.27/bench.txt",
    "goroutine_dump/go1.27/goroutines.txt",
    "gctrace/go1.27/gctrace.txt",
    "escapes/go1.27/m.txt",
]
TIME = "2026-11-25T10:00:{:02}.{:09}Z"


def time(number: int) -> str:
    return TIME.format(number // 1000 % 60, number)


def each(lines: list[str], write) -> str:
    return "".join(f"{write(number, line)}\n" for number, line in enumerate(lines))


def record(**fields) -> str:
    # As Go's encoder does: what HTML gives a meaning is escaped.
    return json.dumps(fields).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def pieces(lines: list[str], write) -> str:
    """Lines of a log that holds at most 40 letters a line; the first and last piece of each line is told."""
    written = []
    for number, line in enumerate(lines):
        parts = [line[at : at + 40] for at in range(0, len(line), 40)] or [""]
        last = len(parts) - 1
        written += [write(number, part, place == 0, place == last) for place, part in enumerate(parts)]
    return "".join(f"{part}\n" for part in written)


def go_quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


LINE_BY_LINE = {
    "docker json-file": lambda lines: pieces(
        lines, lambda n, part, first, last: record(log=part + "\n" * last, stream="stderr", time=time(n))
    ),
    "fluent-bit": lambda lines: each(
        lines, lambda n, line: record(log=line, kubernetes={"pod_name": "web"}, time=time(n))
    ),
    "loki": lambda lines: each(
        lines, lambda n, line: record(line=line, timestamp=time(n), labels={"app": "web"})
    ),
    "loki, newest first": lambda lines: each(
        lines[::-1], lambda n, line: record(line=line, timestamp=time(9999 - n), labels={"app": "web"})
    ),
    "loki's answer": lambda lines: json.dumps(
        {
            "status": "success",
            "data": {
                "resultType": "streams",
                "result": [
                    {"stream": {"app": "web"}, "values": [[str(n), x] for n, x in enumerate(lines)][::-1]}
                ],
            },
        }
    ),
    "journal": lambda lines: each(
        lines, lambda n, line: record(MESSAGE=line, _PID="17", __REALTIME_TIMESTAMP=str(n))
    ),
    "journal, bytes": lambda lines: each(
        lines, lambda n, line: record(MESSAGE=list(line.encode()) or "", _PID="17")
    ),
    "Google Cloud, lines": lambda lines: each(
        lines,
        lambda n, line: record(textPayload=line, timestamp=time(n), resource={"labels": {"pod": "web"}}),
    ),
    "Google Cloud, a list": lambda lines: json.dumps(
        [{"textPayload": line, "timestamp": time(n)} for n, line in enumerate(lines)][::-1], indent=2
    ),
    "CloudWatch": lambda lines: json.dumps(
        {"events": [{"timestamp": n, "message": line} for n, line in enumerate(lines)]}
    ),
    "Elastic": lambda lines: json.dumps(
        {"hits": {"hits": [{"_source": {"@timestamp": time(n), "message": x}} for n, x in enumerate(lines)]}}
    ),
    "CRI": lambda lines: pieces(
        lines, lambda n, part, first, last: f"{time(n)} stderr {'F' if last else 'P'} {part}"
    ),
    "CRI, blanks at line ends lost": lambda lines: each(
        lines, lambda n, line: f"{time(n)} stderr F {line}".rstrip(" ")
    ),
    "GitLab": lambda lines: pieces(
        lines, lambda n, part, first, last: f"{time(n)} 00O{' ' if first else '+'}{part}"
    ),
    "compose up": lambda lines: (
        " Container app-web-1  Created\nAttaching to web-1\n"
        + each(lines, lambda n, line: f"web-1  | {line}")
        + "web-1 exited with code 2\n"
    ),
    "stern": lambda lines: each(lines, lambda n, line: f"web-5d9c-abcde web {line}"),
    "journal, ISO": lambda lines: each(
        lines, lambda n, line: f"2026-11-25T10:00:00+0000 host web[17]: {line}"
    ),
    "journal, precise": lambda lines: each(
        lines, lambda n, line: f"Nov 25 10:00:00.123456 host web[17]: {line}"
    ),
    "journal, full": lambda lines: each(
        lines, lambda n, line: f"Wed 2026-11-25 10:00:00 UTC host web[17]: {line}"
    ),
    "journal, unix": lambda lines: each(lines, lambda n, line: f"1764064800.123456 host web[17]: {line}"),
    "journal, monotonic": lambda lines: each(lines, lambda n, line: f"[  123.456789] host web[17]: {line}"),
    "journal, one message": lambda lines: (
        "Nov 25 10:00:00 host web[17]: start\n"
        + each(
            lines,
            lambda n, line: f"{'' if n else 'Nov 25 10:00:00 host web[17]:'}{' ' * (30 if n else 1)}{line}",
        )
    ),
    "syslog": lambda lines: each(
        lines, lambda n, line: f"Nov 25 10:00:00 host web[17]: {line.replace(chr(9), '#011')}"
    ),
    "syslog, RFC 5424": lambda lines: each(lines, lambda n, line: f"<134>1 {time(n)} host web 17 - - {line}"),
    "Heroku": lambda lines: each(lines, lambda n, line: f"{time(n)} app[web.1]: {line}"),
    "Cloud Foundry": lambda lines: each(lines, lambda n, line: f"   {time(n)} [APP/PROC/WEB/0] ERR {line}"),
    "fluentd": lambda lines: each(lines, lambda n, line: f"{time(n)}\tkube.web\t{record(log=line)}"),
    "logcli": lambda lines: each(lines, lambda n, line: f'{time(n)} {{app="web", pod="w-1"}} {line}'),
    "Jenkins": lambda lines: each(lines, lambda n, line: f"[{time(n)}] {line}"),
    "Markdown, quoted": lambda lines: each(lines, lambda n, line: f"> {line}"),
    "Markdown, fenced in a list": lambda lines: (
        "1. This is what I saw:\n\n   ```\n" + each(lines, lambda n, line: f"   {line}") + "   ```\n"
    ),
    "Markdown, fenced": lambda lines: f"Seen:\n```\n{each(lines, lambda n, line: line)}```\n",
    "indented": lambda lines: each(lines, lambda n, line: f"    {line}"),
    "HTML": lambda lines: (
        "<html><body><pre>"
        + each(lines, lambda n, line: line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
        + "</pre></body></html>\n"
    ),
    "HTML-escaped": lambda lines: each(
        lines, lambda n, line: line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    ),
    "zeros where the log was cut": lambda lines: "\0" * 4096 + each(lines, lambda n, line: line),
    "links of a terminal": lambda lines: each(
        lines, lambda n, line: f"\x1b]8;;http://ci\x07{line}\x1b]8;;\x07\x1b(B\x1b[m"
    ),
    "docker in docker": lambda lines: each(
        lines,
        lambda n, line: record(
            log=record(log=f"{line}\n", stream="stdout", time=time(n)) + "\n", stream="stdout", time=time(n)
        ),
    ),
}
IN_ONE_FIELD = {
    "zap": lambda text: (
        '{"level":"info","msg":"start","ts":1}\n' + record(level="error", msg="x", stacktrace=text)
    ),
    "slog": lambda text: record(time=time(1), level="ERROR", msg=text, attr=1),
    "zerolog": lambda text: record(level="error", message="x", error={"stack": text}),
    "Google Cloud": lambda text: record(jsonPayload={"message": "x", "detail": text}, timestamp=time(1)),
    "logrus": lambda text: (
        f'time="{time(1)}" level=info msg="start"\n'
        f'time="{time(2)}" level=info msg={go_quoted("=== BEGIN ===" + chr(10) + text)}\n'
    ),
    "logfmt": lambda text: f"ts={time(1)} level=error stack={go_quoted(text)} caller=main.go:1\n",
    "zap, console": lambda text: f'{time(1)}\tERROR\tmain.go:1\tx\t{{"stack": {json.dumps(text)}}}\n',
    "ends escaped, no quotes": lambda text: (
        "msg=x\\n" + text.replace("\n", "\\n").replace("\t", "\\t") + "\n"
    ),
}


def assert_same(text: str, plain: Path, tmp_path: Path) -> None:
    path = tmp_path / plain.name
    path.write_text(text)
    assert detect(Source(path)).NAME == detect(Source(plain)).NAME
    found = parsers.read(path)
    expected = parsers.read(plain)
    assert found.keys() == expected.keys()
    for name, table in found.items():
        lines = [c for c in table.column_names if c == "line" and name == "benchmarks"]
        assert table.drop_columns(lines).equals(expected[name].drop_columns(lines)), name


@pytest.mark.parametrize("sample", PLAIN)
@pytest.mark.parametrize("wrap", LINE_BY_LINE.values(), ids=LINE_BY_LINE)
def test_what_is_wrapped_line_by_line_reads_like_the_plain_text(sample, wrap, tmp_path):
    plain = SAMPLES / sample
    assert_same(wrap(plain.read_text().splitlines()), plain, tmp_path)


@pytest.mark.parametrize("sample", PLAIN)
@pytest.mark.parametrize("wrap", IN_ONE_FIELD.values(), ids=IN_ONE_FIELD)
def test_what_stands_in_one_field_reads_like_the_plain_text(sample, wrap, tmp_path):
    plain = SAMPLES / sample
    assert_same(wrap(plain.read_text()), plain, tmp_path)


def test_records_of_containers_that_take_turns_are_put_together_apart(tmp_path):
    dump = "goroutine {0} [select]:\nmain.f{0}()\n\t/src/f.go:{0} +0x1\n\n"
    turns = zip(dump.format(1).split("\n"), dump.format(2).split("\n"), strict=True)
    lines = [
        record(line=line, labels={"pod": pod}) for pair in turns for pod, line in zip("ab", pair, strict=True)
    ]
    path = tmp_path / "loki.jsonl"
    path.write_text("\n".join(lines))
    tables = [found.tables() for found in captures(path)]
    functions = [f for t in tables for f in t["stacks"]["functions"].to_pylist()]
    assert sorted(functions) == [["main.f1"], ["main.f2"]]


def test_a_line_among_records_that_is_none_stays(tmp_path):
    path = tmp_path / "log"
    records = [record(level="info", msg=f"request {i}") for i in range(20)]
    path.write_text("\n".join([*records, "goroutine 1 [select]:", "main.f()", "\t/src/f.go:1", *records]))
    assert parsers.read(path)["goroutine_dump"]["goroutine_id"].to_pylist() == [1]


@pytest.mark.parametrize("text", ['{"log": "\\ud800\\n"}\n' * 3, '{"msg": "\\ud800"}\n' * 3])
def test_half_a_surrogate_pair_in_a_record_is_no_fault(text, tmp_path):
    path = tmp_path / "log"
    path.write_text(text)
    assert "?" in Source(path).read().decode()


def test_the_compilers_diagnostics_are_no_log(tmp_path):
    text = '{"version":0,"package":"main","file":"/src/main.go"}\n' + '{"code":"escape","message":"x"}\n' * 9
    path = tmp_path / "main.json"
    path.write_text(text)
    assert Source(path).read().decode() == text
