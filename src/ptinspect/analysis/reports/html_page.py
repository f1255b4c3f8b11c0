"""A comparison as one page that is complete in itself: no script, no other file, histograms as drawings, all text escaped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ptinspect.analysis.compare.comparison import Comparison
from ptinspect.analysis.compare.model import Pair
from ptinspect.analysis.reports.drawing import difference_drawing, overlaid_drawing
from ptinspect.analysis.reports.words import by_change, called, number, share, sized
from ptinspect.spelled import plain

MOST = 2_000
_FIGURES = ("relative l2", "largest", "cosine", "values")
DRAWN = 300
_STYLE = """
:root{color-scheme:light dark;--ink:#1d2330;--soft:#667085;--line:#d9dee7;--back:#fff;--left:#2f6fde;--right:#d9730d;
--apart:#7a5af5}
@media (prefers-color-scheme:dark){:root{
--ink:#e6e9ef;--soft:#98a2b3;--line:#333a47;--back:#15181f;--left:#6ea0ff;--right:#ffa657;--apart:#a48fff}}
body{font:14px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:1280px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem;overflow-wrap:anywhere}h2{font-size:1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:middle}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.w{white-space:nowrap}
td.t,code,pre{font-family:ui-monospace,monospace;font-size:.93em;overflow-wrap:anywhere}td.t{min-width:11rem}
.verdict{font-size:1.1rem;font-weight:600}.soft{color:var(--soft)}svg{display:block}
.left{fill:var(--left);opacity:.55}.right{fill:var(--right);opacity:.55}.apart{fill:var(--apart)}
.l{color:var(--left)}.r{color:var(--right)}
pre{border:1px solid var(--line);padding:.6rem;overflow-x:auto}
@media (max-width:760px){body{margin:1rem auto}tr:first-child{display:none}table,tbody{display:block}
tr{display:flex;flex-wrap:wrap;gap:.1rem .9rem;padding:.5rem 0;border-bottom:1px solid var(--line)}
td{border:0;padding:0}td.t{flex:1 0 100%;min-width:0}td:empty{display:none}
td.d{flex:1 0 100%}
td[data-is]::before{content:attr(data-is) " ";color:var(--soft)}}
""".strip()


def page(found: Comparison, names: tuple[str, str]) -> Iterator[str]:
    """The page, piece by piece."""
    title = f"{_text(names[0])} → {_text(names[1])}"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    yield f'<meta name="viewport" content="width=device-width"><title>{title}</title>\n<style>{_STYLE}</style></head><body>\n'
    yield f"<h1>{title}</h1>\n<p class=verdict>{_text(_verdict(found))}</p>\n<p>{_sentence(found.sentence)}</p>\n"
    counts = ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in found.summary.items() if count)
    yield f"<p class=soft>{_text(counts or 'no tensors')}</p>\n"
    yield from _pairs(by_change(found))
    yield from _outside(found)
    yield from _load(found)
    yield "</body></html>\n"


def _verdict(found: Comparison) -> str:
    said = found.verdict or "quick look"
    return f"{said[0].upper()}{said[1:]}" + (f" (also {', '.join(found.also)})" if found.also else "")


def _text(value: str) -> str:
    """Text from a file or a command line, as text alone."""
    return escape(plain(value), quote=True)


def _sentence(said: str) -> str:
    """Names between backticks as code; a backtick in a name only ends it early."""
    parts = _text(said).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 and at < len(parts) - 1 else part for at, part in enumerate(parts))


def _pairs(different: list[Pair]) -> Iterator[str]:
    if not different:
        return
    heads = "".join(f"<th class=n>{word}</th>" for word in _FIGURES)
    drawings = "<th><span class=l>left</span> and <span class=r>right</span></th><th>difference</th>"
    yield f"<h2>What differs</h2>\n<table><tr><th>tensor</th><th></th><th>shape</th>{heads}{drawings}</tr>\n"
    for place, pair in enumerate(different[:MOST]):
        yield _row(pair, place < DRAWN)
    yield "</table>\n"
    if len(different) > MOST:
        yield f"<p class=soft>… and {len(different) - MOST:,} more</p>\n"


def _row(pair: Pair, drawn: bool) -> str:
    difference = pair.difference
    figures = ["", "", "", ""]
    drawings = "<td></td><td></td>"
    if difference is not None:
        cosine = "" if difference.cosine is None else f"{difference.cosine:.6f}"
        figures = [share(difference.relative_l2), number(difference.max_abs), cosine, share(difference.changed_fraction)]
        if drawn and difference.histograms is not None:
            drawings = "".join(f"<td class=d>{draw(difference.histograms)}</td>" for draw in (overlaid_drawing, difference_drawing))
    told = zip(_FIGURES, figures, strict=True)
    cells = "".join(f'<td class=n data-is="{word}">{_text(figure)}</td>' if figure else "<td></td>" for word, figure in told)
    status = _text((pair.status or "not read").replace("_", " "))
    problem = f"<br><span class=soft>{_text(pair.problem)}</span>" if pair.problem else ""
    name, size = _text(called(pair)), _text(sized(pair))
    return f"<tr><td class=t>{name}{problem}</td><td class=w>{status}</td><td>{size}</td>{cells}{drawings}</tr>\n"


def _outside(found: Comparison) -> Iterator[str]:
    if not found.outside:
        return
    yield "<h2>Outside the weights</h2>\n<table><tr><th>path</th><th>left</th><th>right</th></tr>\n"
    for one in found.outside[:MOST]:
        cells = "".join(f"<td class=t>{'–' if value is None else _text(str(value)[:500])}</td>" for value in (one.left, one.right))
        yield f"<tr><td class=t>{_text(one.path)}</td>{cells}</tr>\n"
    yield "</table>\n"


def _load(found: Comparison) -> Iterator[str]:
    load = found.would_load
    yield "<h2>Would the left load into the model of the right?</h2>\n"
    counts = f"{len(load.missing):,} missing, {len(load.unexpected):,} unexpected, {len(load.mismatched):,} of another size"
    yield f"<p>{'Yes, as it is.' if load.strict else f'Not as it is: {counts}.'}</p>\n"
    if load.lines:
        yield f"<pre>{'&#10;'.join(_text(line) for line in load.lines)}</pre>\n"
