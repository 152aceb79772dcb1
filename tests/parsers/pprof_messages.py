"""The message classes of profile.proto, built at import: no protoc, no generated file.

Specification: github.com/google/pprof/proto/profile.proto. Two liberties, both for
reading what others wrote: strings are bytes, because a string table need not be
valid UTF-8, and fields that no table needs are left to the unknown fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from google.protobuf.message import Message

_F = descriptor_pb2.FieldDescriptorProto
_FileDescriptor = descriptor_pb2.FileDescriptorProto
_TYPES = {
    "int64": _F.TYPE_INT64,
    "uint64": _F.TYPE_UINT64,
    "bytes": _F.TYPE_BYTES,
}
_PACKAGE = "tracemill.pprof"

# message: (number, name, type or message, repeated)
_MESSAGES: dict[str, tuple[tuple[int, str, str, bool], ...]] = {
    "ValueType": ((1, "type", "int64", False), (2, "unit", "int64", False)),
    "Label": (
        (1, "key", "int64", False),
        (2, "str", "int64", False),
        (3, "num", "int64", False),
        (4, "num_unit", "int64", False),
    ),
    "Sample": (
        (1, "location_id", "uint64", True),
        (2, "value", "int64", True),
        (3, "label", "Label", True),
    ),
    "Mapping": (
        (1, "id", "uint64", False),
        (2, "memory_start", "uint64", False),
        (3, "memory_limit", "uint64", False),
        (4, "file_offset", "uint64", False),
        (5, "filename", "int64", False),
        (6, "build_id", "int64", False),
    ),
    "Line": ((1, "function_id", "uint64", False), (2, "line", "int64", False)),
    "Location": (
        (1, "id", "uint64", False),
        (2, "mapping_id", "uint64", False),
        (3, "address", "uint64", False),
        (4, "line", "Line", True),
    ),
    "Function": (
        (1, "id", "uint64", False),
        (2, "name", "int64", False),
        (4, "filename", "int64", False),
        (5, "start_line", "int64", False),
    ),
    "Profile": (
        (1, "sample_type", "ValueType", True),
        (2, "sample", "Sample", True),
        (3, "mapping", "Mapping", True),
        (4, "location", "Location", True),
        (5, "function", "Function", True),
        (6, "string_table", "bytes", True),
        (7, "drop_frames", "int64", False),
        (8, "keep_frames", "int64", False),
        (9, "time_nanos", "int64", False),
        (10, "duration_nanos", "int64", False),
        (11, "period_type", "ValueType", False),
        (12, "period", "int64", False),
        (13, "comment", "int64", True),
        (14, "default_sample_type", "int64", False),
    ),
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = _FileDescriptor(name="tracemill/profile.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for number, name, kind, repeated in fields:
            field = described.field.add(name=name, number=number)
            field.label = _F.LABEL_REPEATED if repeated else _F.LABEL_OPTIONAL
            if kind in _TYPES:
                field.type = _TYPES[kind]
            else:
                field.type = _F.TYPE_MESSAGE
                field.type_name = f".{_PACKAGE}.{kind}"
    return file


def _classes() -> dict[str, type[Message]]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_file())
    names = {f"{_PACKAGE}.{name}": name for name in _MESSAGES}
    found = {full: pool.FindMessageTypeByName(full) for full in names}
    make = message_factory.GetMessageClass
    return {names[full]: cast("type[Message]", make(d)) for full, d in found.items()}


CLASSES = _classes()
Profile = CLASSES["Profile"]
