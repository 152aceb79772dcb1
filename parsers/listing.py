"""Assembly listings: go build -gcflags=-S, and go tool objdump. Go 1.21 to 1.27.

A compiler listing has no addresses: it emits ``listing_calls``, whose ``return_offset`` (from
the function's entry) is what a text profile's ``name+0xoffset`` and, modulo the alignment of
functions, a leaf's address can be matched with. Function names are those of the symbol table,
not of profiles: match file, line and offset.

A disassembly has addresses: it emits ``call_sites`` like a binary, and a row of ``binaries``
that says nothing else, so that its addresses are taken as they stand. Quirk: it names files
without their folder; where the line lies in the function's own file the whole path is taken
from the ``TEXT`` line. ``-gnu`` puts a comment behind each instruction; ``-S`` leaves the line
numbers out, so that such a listing can't be read.

The callees are those of ``tracemill.parsers.binary``: what allocates on behalf of its caller. A compiler
listing does not name its architecture; amd64 is told by its instructions. ``map_type`` is the type
that is put into the first argument's register for the CALL: no CALL lies between. A generic function
takes it from elsewhere, and there it is null.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tracemill.parsers.api import Batch, Facts, ParseError
from tracemill.parsers.binary.callees import WANTED, callee_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.unwrap.source import Source

NAME = "listing"

LINE = re.compile(rb"^\t0x[0-9a-f]{4,} \d{5,} \(|^TEXT [^\n]*\(SB\)|^  \S+:\d+\s+0x[0-9a-f]+\s", re.MULTILINE)
_COMPILER = re.compile(rb"^\t0x[0-9a-f]{4,} \d{5,} \([^\n]*:\d+\)\t[A-Z]", re.MULTILINE)
_DISASSEMBLY = re.compile(rb"^TEXT [^\n]*\(SB\)[^\n]*\n  \S+:\d+\s+0x[0-9a-f]+\s", re.MULTILINE)
_WITHOUT_LINES = re.compile(
    rb"^TEXT [^\n]*\(SB\)[^\n]*\n(?:(?!TEXT )[^\n]*\n){0,9}?  0x[0-9a-f]+\t\t[0-9a-f]+\t", re.MULTILINE
)
# ``function STEXT …`` begins a function; ``\t0xoffset … (file:line)\tOP\toperands`` is an instruction.
_FUNCTION = r"^(\S.*?) STEXT "
_INSTRUCTION = (
    r"^\t0x(?P<offset>[0-9a-f]{4,15}) \d{5,} "
    r"\((?:(?P<file>[^\t]*):(?P<line>\d{1,18})|<unknown line number>)\)"
    r"\t(?P<op>[A-Z]+)(?:\t(?P<to>.*))?$"
)
_TEXT_LINE = r"^TEXT (?P<name>.*?)\(SB\) ?(?P<path>.*)$"
_DECODED = (
    r"^  (?P<base>\S+):(?P<line>\d{1,18})\s+0x(?P<pc>[0-9a-f]{1,16})"
    r"\s+(?P<code>[0-9a-f]+)\s+CALL (?P<to>.*?)\s*(?:// .*)?$"
)
_CALL_OPS = ("CALL", "BL")
# 386 has no instructions on 64 bits, and other architectures have other names for them.
_AMD64 = re.compile(rb"\t(?:LEAQ|CMPQ|SUBQ)\t")
_TYPE = r"^\$?type:(.+)\(SB\), (?:AX|R0)$"
_TARGET = r"^(.*?)(?:\.abi0)?\(SB\)$"


def sniff(head: bytes) -> bool:
    """Whether instructions as the compiler or objdump writes them stand in head."""
    return any(shape.search(head) for shape in (_COMPILER, _DISASSEMBLY, _WITHOUT_LINES))


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The CALLs of the whole listing. Raises ParseError for one that names no lines."""
    import polars as pl

    content = source.read()
    if _WITHOUT_LINES.search(content[:65536]):
        raise ParseError(source.path, "", "go tool objdump -S names no lines: make the listing without -S")
    lines = pl.LazyFrame({"text": content.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")})
    lines = lines.with_row_index("input_line", offset=1)
    yield Facts(kind="listing")
    if _COMPILER.search(content[:65536]):
        architecture = "amd64" if _AMD64.search(content) else None
        yield from _batches("listing_calls", _compiled(lines, architecture))
    else:
        import pyarrow as pa

        yield Batch("binaries", pa.RecordBatch.from_pydict({"is_pie": [False]}))
        yield from _batches("call_sites", _disassembled(lines))


def _batches(table: str, rows: pl.LazyFrame) -> Iterator[Batch]:
    for part in rows.collect().iter_slices(500_000):
        for batch in part.to_arrow().combine_chunks().to_batches():
            yield Batch(table, batch)


def _wanted(callee: pl.Expr) -> pl.Expr:
    return callee.str.contains(WANTED.pattern)


def _class(callee: pl.Expr) -> pl.Expr:
    import polars as pl

    return callee.map_batches(
        lambda names: names.replace_strict({name: callee_class(name) for name in names.unique()}),
        return_dtype=pl.String,
    )


def _map_type() -> pl.Expr:
    """The type that was loaded since the CALL before, in the same function, for a CALL that takes a map's."""
    import polars as pl

    line, is_call = pl.col("input_line"), pl.col("op").is_in(_CALL_OPS)
    loaded = pl.col("to").str.extract(_TYPE)
    load_line = pl.when(loaded.is_not_null()).then(line).forward_fill()
    call_before = pl.when(is_call).then(line).shift(1).forward_fill().fill_null(0)
    is_fresh = (load_line > call_before) & (load_line > pl.col("block_line"))
    is_map_call = pl.col("callee").str.contains(r"^runtime\.(?:mapassign|makemap)")
    return pl.when(is_fresh & is_map_call).then(loaded.forward_fill())


def _compiled(lines: pl.LazyFrame, architecture: str | None) -> pl.LazyFrame:
    """Rows of listing_calls. A CALL returns to the next instruction, whose offset the next line has."""
    import polars as pl

    text = pl.col("text")
    return (
        lines.with_columns(function=text.str.extract(_FUNCTION))
        # Generic functions stand there once for each package that uses them: count, don't name.
        .with_columns(block=pl.col("function").is_not_null().cum_sum())
        .with_columns(
            block_line=pl.when(pl.col("function").is_not_null()).then(pl.col("input_line")).forward_fill(),
            function=pl.col("function").forward_fill(),
        )
        .with_columns(text.str.extract_groups(_INSTRUCTION).alias("parts"))
        .unnest("parts")
        .filter(pl.col("offset").is_not_null())
        .with_columns(
            return_offset=pl.col("offset").str.to_integer(base=16).shift(-1).over("block"),
            callee=pl.col("to").str.extract(_TARGET),
        )
        .with_columns(map_type=_map_type())
        .filter(pl.col("op").is_in(_CALL_OPS) & _wanted(pl.col("callee")).fill_null(value=False))
        .with_columns(
            pl.col("line").cast(pl.Int64),
            pl.col("input_line").cast(pl.Int64),
            callee_class=_class(pl.col("callee")),
            architecture=pl.lit(architecture, pl.String),
        )
        .select(
            "input_line",
            "function",
            "file",
            "line",
            "return_offset",
            "callee",
            "callee_class",
            "map_type",
            "architecture",
        )
    )


def _disassembled(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of call_sites."""
    import polars as pl

    text, base, path = pl.col("text"), pl.col("base"), pl.col("path")
    return (
        lines.with_columns(text.str.extract_groups(_TEXT_LINE).alias("head"))
        .unnest("head")
        .with_columns(pl.col("name", "path").forward_fill())
        .with_columns(text.str.extract_groups(_DECODED).alias("parts"))
        .unnest("parts")
        .with_columns(callee=pl.col("to").str.extract(_TARGET))
        .filter(_wanted(pl.col("callee")).fill_null(value=False))
        .with_columns(
            pc=pl.col("pc").str.to_integer(base=16, dtype=pl.UInt64) + pl.col("code").str.len_bytes() // 2,
            file=pl.when(path.str.ends_with(pl.concat_str(pl.lit("/"), base))).then(path).otherwise(base),
            function=pl.col("name"),
            line=pl.col("line").cast(pl.Int64),
            callee_class=_class(pl.col("callee")),
        )
        .select("pc", "function", "file", "line", "callee", "callee_class")
    )
