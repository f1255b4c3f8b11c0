"""A run as text: what ran where, the table of layers, the output, the times, and what is worth knowing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ptinspect.cli.run_extras_text import extra_lines
from ptinspect.quantities import count_text, plural, size_text
from ptinspect.runner.results import Result
from ptinspect.spelled import plain

_NARROW, _WIDE = 100, 160
_DEEPEST = 3


def result_lines(result: Result) -> Iterator[str]:
    """Everything that was measured."""
    fields = result.fields()
    if fields["device"] is None:
        return
    yield from _head(fields)
    yield ""
    if fields["layers"]:
        yield from _table(fields["layers"])
        yield ""
    yield from _totals(fields)
    yield from _output(fields)
    yield from _times(fields)
    yield from extra_lines(fields)
    yield from _findings(fields)


def _head(fields: Mapping[str, Any]) -> Iterator[str]:
    model, device = fields["model"], fields["device"]
    whose = "code of the file or of a script ran, as agreed" if model.get("trusted") else "nothing of the file was run"
    yield f"Model    {plain(str(model['source']))} ({whose})"
    yield f"Device   {plain(str(device['name']))}, torch {plain(str(fields['torch']))}"
    samples = fields.get("samples") or {}
    for source in fields["input"]:
        yield f"Input    {_shape(source.get('shape'))} {plain(str(source.get('dtype')))}, {plain(str(source.get('source')))}"
    if samples.get("note"):
        yield f"         {plain(str(samples['note']))}"
    load = fields["load"]
    counts = [plural(len(load[key]), f"{key} tensor") for key in ("missing", "unexpected", "mismatched") if load[key]]
    yield f"Weights  {', '.join(counts) if counts else 'all fit'}"


def _shape(shape: object) -> str:
    return " × ".join(map(str, shape)) if isinstance(shape, (list, tuple)) and shape else ("one number" if shape == [] else "—")


def _table(layers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    width = max(_NARROW, min(_WIDE, shutil.get_terminal_size((_NARROW, 24)).columns))
    name = 30 + (width - _NARROW) // 2
    head = f"{'Layer':<{name}}{'Type':<18}{'Output':<20}{'Parameters':>11}{'Mult-adds':>11}{'Time, ms':>10}"
    yield head
    yield "─" * len(head)
    for layer in layers:
        path = plain(str(layer["path"]))
        level = path.count(".") + 1 if path else 0
        if level > _DEEPEST:
            continue
        shown = _cut("  " * level + (path.rpartition(".")[2] or "(model)"), name - 1)
        parameters = f"{layer['parameters']:,}" if layer.get("parameters") else ""
        work = count_text(layer["mult_adds"]) if layer.get("mult_adds") else ""
        spent = f"{layer['time_ms']:.2f}" if isinstance(layer.get("time_ms"), (int, float)) else ""
        bad = "  " + _bad(layer) if layer.get("nans") or layer.get("infs") else ""
        kind, shape = _cut(plain(str(layer["type"])), 17), _cut(_shape(layer.get("output_shape")), 19)
        yield f"{shown:<{name}}{kind:<18}{shape:<20}{parameters:>11}{work:>11}{spent:>10}{bad}"
    if any(str(layer["path"]).count(".") + 1 > _DEEPEST for layer in layers):
        yield f"Layers deeper than {_DEEPEST} are in --json."


def _totals(fields: Mapping[str, Any]) -> Iterator[str]:
    totals = fields["totals"]
    if totals["parameters"] is None:
        return
    shapes = [source.get("shape") or [1] for source in fields["input"]]
    samples = shapes[0][0] if shapes else 1
    parts = [f"{totals['parameters']:,} parameters", f"{totals['trainable']:,} trainable"]
    if totals["mult_adds"] is not None:
        parts.append(f"{count_text(totals['mult_adds'])} multiply-adds{f' for {samples:,} samples' if samples > 1 else ''}")
    yield f"Size     {', '.join(parts)}"


def _bad(layer: Mapping[str, Any]) -> str:
    kinds = [kind for kind, key in (("NaN", "nans"), ("Inf", "infs")) if layer.get(key)]
    return f"{' and '.join(kinds)} in {plural(layer.get('bad_samples', 0), 'sample')}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _output(fields: Mapping[str, Any]) -> Iterator[str]:
    for given in fields["output"]:
        numbers = f"mean {given['mean']:.4g}, std {given['std']:.4g}" if given.get("mean") is not None else ""
        bad = f", {given['nans']:,} NaN" if given.get("nans") else ""
        place = f" {plain(str(given['path']))}" if given.get("path") else ""
        yield f"Output{place}   {_shape(given['shape'])} {plain(str(given['dtype']))}  {numbers}{bad}"
    for best in fields["top"] or ():
        yield f"         {100 * best['probability']:5.1f} %  {plain(str(best['label']))}"
    accuracy = fields.get("accuracy")
    if accuracy:
        within = f", {accuracy['right_in_top_5']:,} within the first five" if len(fields["top"] or ()) > 4 else ""
        yield f"Right    {accuracy['right']:,} of {accuracy['samples']:,}{within}"


def _times(fields: Mapping[str, Any]) -> Iterator[str]:
    latency = fields["latency_ms"]
    if latency["first"] is not None:
        rest = f", then {latency['median']:.2f} (median) and {latency['p95']:.2f} (95 %)" if latency["median"] is not None else ""
        yield f"Latency  {latency['first']:.2f} ms the first time{rest}"
    if fields["throughput_per_s"] is not None:
        yield f"Rate     {fields['throughput_per_s']:,.1f} samples/s"
    if fields["peak_memory_bytes"] is not None:
        yield f"Memory   {size_text(fields['peak_memory_bytes'])} at most"


def _findings(fields: Mapping[str, Any]) -> Iterator[str]:
    for finding in fields["findings"]:
        yield f"{str(finding['severity']).upper():<8} {plain(str(finding['title']))}"
        if finding.get("detail"):
            yield f"         {plain(str(finding['detail']))}"


__all__ = ["result_lines"]
