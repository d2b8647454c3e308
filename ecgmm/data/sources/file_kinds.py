"""Kind of a file that should be a comma-separated table of UTF-8 text and is none, by its first bytes."""

from collections.abc import Sequence

HEAD_BYTES = 1 << 16
"""So much of a file is looked at; a line of column names is far shorter."""

_UNPACK = "unpack it and put the file itself there"
_SAVE = "save it as UTF-8 text separated by commas"
_MAGIC = (
    (b"\x1f\x8b", "a gzip file", "unpack it with gunzip"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook", f"{_UNPACK}, or {_SAVE}"),
    (b"\xfd7zXZ\x00", "an xz file", "unpack it with unxz"),
    (b"BZh", "a bzip2 file", "unpack it with bunzip2"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "unpack it with unzstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"x\x01", "zlib data", _UNPACK),
    (b"x\x9c", "zlib data", _UNPACK),
    (b"x\xda", "zlib data", _UNPACK),
    (b"PAR1", "a parquet file", _SAVE),
    (b"ARROW1", "an Arrow file", _SAVE),
    (b"FEA1", "a feather file", _SAVE),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", _SAVE),
    (b"\x89HDF", "an HDF5 file", _SAVE),
    (b"SQLite format 3", "an SQLite database", _SAVE),
    (b"\xff\xfe\x00\x00", "not UTF-8 but UTF-32 text", _SAVE),
    (b"\x00\x00\xfe\xff", "not UTF-8 but UTF-32 text", _SAVE),
    (b"\xff\xfe", "not UTF-8 but UTF-16 text", _SAVE),
    (b"\xfe\xff", "not UTF-8 but UTF-16 text", _SAVE),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch the file itself with git lfs pull"),
)
_MARKUP = (
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "XML"),
    (b"{", "JSON"),
    (b"[", "JSON"),
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def other_kind(head: bytes, required: Sequence[str]) -> tuple[str, str] | None:
    """Tell what else than a comma-separated table of UTF-8 text a file is.

    Args:
        head: The first ``HEAD_BYTES`` of the file, or all of it.
        required: Names of columns that the table must have.

    Returns:
        What it is, and what the user should do; None where nothing speaks against such a table.
    """
    for magic, kind, cure in _MAGIC:
        if head.startswith(magic):
            return kind, cure
    start = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
    for magic, kind in _MARKUP:
        if start[: len(magic)].lower() == magic:
            return kind, "download the table itself"
    if b"\x00" in head[:HEAD_BYTES]:
        return "not UTF-8 text (it may be UTF-16, or no text at all)", f"{_SAVE}, or download it again"
    for separator, name in _SEPARATORS.items():
        if _has_columns(start, separator, required) and not _has_columns(start, ",", required):
            return f"separated by {name}", _SAVE
    return None


def _has_columns(content: bytes, separator: str, required: Sequence[str]) -> bool:
    first_line = content.partition(b"\n")[0].decode(errors="replace")
    return set(required) <= {name.strip().strip("\"'") for name in first_line.split(separator)}
