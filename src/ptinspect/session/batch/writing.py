"""Writes what was measured to a file: JSON as the command line prints it, CSV of the layers, Markdown to paste."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator

from ptinspect.errors import OutputProblem
from ptinspect.session.batch import heard
from ptinspect.session.batch.record import Record
from ptinspect.session.batch.rows import LayerRow, shape_text, text_of, values_text
from ptinspect.session.words import count_text, plain, size_text

FORMS = "JSON (*.json);;CSV of the layers (*.csv);;Markdown (*.md)"
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_MARKS = "\\`*_{}[]<>|#!"


def write(record: Record, name: str, path: str) -> None:
    """Whole or not at all."""
    ending = os.path.splitext(path)[1].lower()
    text = csv_text(record) if ending == ".csv" else markdown_text(record, name) if ending == ".md" else json_text(record, name)
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(part, path)
    except OSError as error:
        raise OutputProblem(f"{path} cannot be written: {error.strerror}", "Choose another folder, or make room there.") from None
    finally:
        if os.path.exists(part):
            os.remove(part)


def json_text(record: Record, name: str) -> str:
    """The document of `run --json`; numbers that JSON has no word for are null."""
    problem = record.problem
    error = {} if problem is None else {"error": {"type": type(problem).__name__, "message": problem.message, "hint": problem.hint}}
    return json.dumps(_finite({"schema": 1, "path": name, **record.result.fields(), **error}), indent=1, allow_nan=False) + "\n"


def _finite(value: object, depth: int = 0) -> object:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if depth > 60:
        return None
    if isinstance(value, dict):
        return {str(key): _finite(one, depth + 1) for key, one in value.items()}
    return [_finite(one, depth + 1) for one in value] if isinstance(value, (list, tuple)) else value


def csv_text(record: Record) -> str:
    """A line for each layer, its numbers in full."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = "input_shape output_shape parameters mult_adds time_ms mean std min max nans infs output_bytes".split()
    writer.writerow(["path", "type", "dtype", *names])
    for row in record.table.walk():
        found = row.figures
        if found is not None:
            values = (_cell(getattr(found, name)) for name in names)
            writer.writerow([_safe(found.path), _safe(found.type), _safe(found.dtype), *values])
    return out.getvalue()


def _cell(value: object) -> str:
    return "" if value is None else "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _safe(text: str) -> str:
    """Text of a model must not become a formula where it is pasted."""
    return f"'{text}" if text.startswith(_RISKY) else text


def markdown_text(record: Record, name: str) -> str:
    """A summary and the table of layers."""
    return "\n".join(_markdown(record, name)) + "\n"


def _markdown(record: Record, name: str) -> Iterator[str]:
    yield f"### Test batch of {_escaped(plain(os.path.basename(name)))}"
    yield ""
    yield from (f"- {_escaped(line)}" for line in summary(record))
    yield ""
    yield "| Layer | Type | Output | Parameters | Mult-adds | Time, ms | Mean | Std | Values |"
    yield "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"
    for row in record.table.walk():
        cells = (text_of(row, column) for column in ("type", "output", "parameters", "mult_adds", "time", "mean", "std"))
        shown = [_path(row), *(_escaped(cell.replace("\u2009", " ")) for cell in cells), _escaped(values_text(row))]
        yield f"| {' | '.join(shown)} |"


def _path(row: LayerRow) -> str:
    return _escaped(row.path)


def summary(record: Record) -> Iterator[str]:
    """What ran, where, and how fast, line by line."""
    if record.source:
        whose = "its code was run, as agreed" if record.is_trusted else "nothing of the file was run"
        yield f"Model: {record.source} ({whose})"
    if record.device is not None:
        yield f"Device: {record.device.name}, torch {record.torch}"
    given, output = record.parts.get("samples"), record.result.fields()["output"]
    if given is not None and given.specs:
        yield f"Input: {', '.join(given.specs)}"
    for told in heard.rows(output, 4):
        yield f"Output: {shape_text(heard.shape(told.get('shape')))}"
    yield from _speed(record)
    for finding in record.parts.get("findings") or ():
        yield f"{finding.title}. {finding.detail}" if finding.detail else finding.title
    if record.problem is not None:
        yield f"It did not come to its end: {plain(record.problem.message, 400)}"


def _speed(record: Record) -> Iterator[str]:
    latency, rate, totals = (record.parts.get(name) for name in ("latency_ms", "throughput_per_s", "totals"))
    if latency is not None and latency.median is not None and latency.p95 is not None:
        yield f"Latency: {latency.median:.2f} ms median, {latency.p95:.2f} ms at 95 %"
    if rate is not None:
        yield f"Throughput: {rate:,.1f} samples/s"
    if record.parts.get("peak_memory_bytes") is not None:
        yield f"Peak memory: {size_text(record.parts['peak_memory_bytes'])}"
    if totals is not None and totals[0] is not None:
        yield f"Parameters: {totals[0]:,}" + (f", multiply-adds: {count_text(totals[2])}" if totals[2] else "")


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in _MARKS else char for char in text)


__all__ = ["FORMS", "csv_text", "json_text", "markdown_text", "summary", "write"]
