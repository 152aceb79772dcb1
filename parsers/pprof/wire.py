"""Just enough of protobuf's wire format to tell a profile from anything else, and to name a bad byte."""

from __future__ import annotations

# Field number → wire types that profile.proto allows (0 varint, 2 length-delimited).
_PROFILE = {
    **dict.fromkeys((1, 2, 3, 4, 5, 6, 11), (2,)),
    **dict.fromkeys((7, 8, 9, 10, 12, 14, 15), (0,)),
    13: (0, 2),
}
_VALUE_TYPE: dict[int, tuple[int, ...]] = {1: (0,), 2: (0,)}
# So many well-formed fields are no accident, if there is a sample type among them.
_ENOUGH = 50


class BadWireError(ValueError):
    """A field that no profile has; offset is where it begins."""

    def __init__(self, offset: int, fact: str) -> None:
        super().__init__(fact)
        self.offset = offset
        self.fact = fact


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, next offset). Raises IndexError past the end, ValueError above 64 bits."""
    value = shift = 0
    while shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("varint exceeds 10 bytes")


def _fields(
    data: bytes, allowed: dict[int, tuple[int, ...]], *, is_whole: bool, most: int | None = None
) -> list[tuple[int, int, int]]:
    """(field, start, end) of the first ``most`` fields' payloads.

    A cut last field is dropped unless is_whole.
    """
    found: list[tuple[int, int, int]] = []
    at = 0
    while at < len(data) and len(found) != most:
        start = at
        try:
            key, at = read_varint(data, at)
            field, wire = key >> 3, key & 7
            if wire not in allowed.get(field, ()):
                raise BadWireError(start, f"field {field} of wire type {wire} is not one of profile.proto")
            value, after = read_varint(data, at)
        except IndexError:
            if is_whole:
                raise BadWireError(start, "the field is cut off") from None
            break
        except BadWireError:
            raise
        except ValueError as error:
            raise BadWireError(start, str(error)) from None
        end = after + value if wire == 2 else after
        if end > len(data):
            if is_whole:
                raise BadWireError(
                    start, f"field {field} announces {value} bytes, {len(data) - after} are left"
                )
            break
        found.append((field, after if wire == 2 else at, end))
        at = end
    return found


def looks_like_profile(head: bytes) -> bool:
    """Whether head begins like a Profile message: only its fields, and a whole ValueType among them."""
    try:
        return _has_type(head, _ENOUGH) or _has_type(head, None)
    except BadWireError:
        return False


def _has_type(head: bytes, most: int | None) -> bool:
    fields = _fields(head, _PROFILE, is_whole=False, most=most)
    kinds = [head[start:end] for field, start, end in fields if field in (1, 11)]
    for kind in kinds:
        _fields(kind, _VALUE_TYPE, is_whole=True)
    return any(kinds)
