"""What was measured besides, as text: gradients, batch sizes, two runs beside each other, the graph and the trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ptinspect.quantities import plural, size_text
from ptinspect.spelled import plain

_MOST = 40
_WIDTH = 40


def extra_lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """Those that were asked for, each after an empty line."""
    parts = {"backward": _backward, "sweep": _sweep, "agreement": _beside, "parting": _beside, "graph": _graph, "trace": _trace}
    for name, lines in parts.items():
        if fields.get(name):
            yield ""
            yield from lines(fields[name])


def _backward(told: Mapping[str, Any]) -> Iterator[str]:
    yield f"Backward loss {told['loss']:.4g}: {plain(str(told['note']))}"
    rows = [row for row in told["layers"] if row.get("status")]
    head = f"  {'Layer':<{_WIDTH}}{'Gradient norm':>14}{'Largest':>12}"
    yield from _table(head, rows, _gradient)


def _gradient(row: Mapping[str, Any]) -> str:
    bad = "  not finite" if row.get("nans") or row.get("infs") else ""
    if row["norm"] is None:
        return f"  {_name(row)}{plain(str(row['status'])):>14}{'':>12}{bad}"
    return f"  {_name(row)}{row['norm']:>14.4g}{row['max_abs']:>12.4g}{bad}"


def _sweep(told: Mapping[str, Any]) -> Iterator[str]:
    yield f"Batches  {plain(str(told.get('end') or 'it did not come to its end'))}"
    yield f"  {'Samples':>9}{'ms':>12}{'samples/s':>14}{'Memory':>12}"
    for row in told["sizes"]:
        memory = size_text(row["peak_memory_bytes"]) if row.get("peak_memory_bytes") else ""
        yield f"  {row['batch']:>9,}{row['latency_ms']:>12.2f}{row['throughput_per_s']:>14,.1f}{memory:>12}".rstrip()


def _beside(told: Mapping[str, Any]) -> Iterator[str]:
    """Where the two part, how far the outputs are from each other, and the layers that differ most."""
    at = told.get("parts_at")
    yield f"Beside   {plain(str(told['with']))} ({plain(str(told['source']))})"
    if at is None:
        yield f"         no layer is further off than {told['limit']:g} of its size"
    else:
        yield f"         the two part at {plain(str(at)) or 'the model'}: the first layer further off than {told['limit']:g} of its size"
    if told.get("largest_gap") is not None:
        yield f"         outputs are at most {told['largest_gap']:.4g} apart"
    if told.get("samples"):
        yield f"         the likeliest class is the same in {told['same_top']:,} of {plural(told['samples'], 'sample')}"
    rows = [row for row in told["layers"] if row.get("leaf")]
    yield from _table(f"  {'Layer':<{_WIDTH}}{'Relative':>14}{'Largest gap':>12}", rows, _gap)


def _gap(row: Mapping[str, Any]) -> str:
    if row.get("other_shape"):
        return f"  {_name(row)}{'another shape':>14}"
    gaps = [f"{row[key]:.3g}" if row.get(key) is not None else "—" for key in ("relative_l2", "max_abs")]
    return f"  {_name(row)}{gaps[0]:>14}{gaps[1]:>12}"


def _graph(told: Mapping[str, Any]) -> Iterator[str]:
    nodes, edges = plural(len(told["nodes"]), "node"), plural(len(told["edges"]), "edge")
    yield f"Graph    {nodes}, {edges}, from {plain(str(told['from']))}; --json lists them"


def _trace(told: Mapping[str, Any]) -> Iterator[str]:
    yield f"Trace    {size_text(told['bytes'])}"


def _table(head: str, rows: Sequence[Mapping[str, Any]], line: Any) -> Iterator[str]:
    if rows:
        yield head
    for row in rows[:_MOST]:
        yield line(row)
    if len(rows) > _MOST:
        yield f"  {plural(len(rows) - _MOST, 'layer')} more in --json."


def _name(row: Mapping[str, Any]) -> str:
    path = plain(str(row["path"])) or "(model)"
    return f"{path if len(path) < _WIDTH else '…' + path[2 - _WIDTH :]:<{_WIDTH}}"


__all__ = ["extra_lines"]
