"""In plain words, what would run if the file were loaded as code."""

from __future__ import annotations

from collections.abc import Iterable

from ptinspect.checkpoint.safety.spelling import arguments, escaped, spelled
from ptinspect.checkpoint.safety.verdicts import Verdict
from ptinspect.pickles.values import Call, Global

MOST = 60
EACH = 3

_BY_LAST = {
    "run a shell command": "system popen getoutput getstatusoutput _get_command_stdout pipepager tempfilepager run_and_read_all",
    "start a program": (
        "Popen call run check_call check_output spawn spawnv spawnl execv execve posix_spawn fork spawnv_passfds startfile compile_file"
    ),
    "run Python code": (
        "eval exec execfile runcode runcommand runsource runstring execWrapper _run_code run_module run_path runctx debug_script getlincoef"
        " make_label SetText CodeType FunctionType _create_function _create_code _make_function"
    ),
    "compile Python code": "compile",
    "import a module": "__import__ import_module find_module load_module subimport _import_module resolve_name locate",
    "open a file": (
        "open FileIO file BZ2File GzipFile LZMAFile FileHandler open_code memmap fromfile from_file read_csv read_text read_bytes"
    ),
    "write a file": "write_file write_text write_bytes save savez savetxt tofile dump touch mkdir",
    "delete files": "rmtree unlink remove rmdir",
    "connect to the network": (
        "urlopen urlretrieve get post create_connection socket HTTPConnection HTTPSConnection get_server_certificate SMTP FTP ClientSession"
        " IMAP4_stream hf_hub_download snapshot_download"
    ),
    "load another pickle": "loads load Unpickler load_config read_pickle _load_from_bytes",
    "reach attributes by name": "getattr attrgetter methodcaller itemgetter setattr",
    "install packages": "main _run_pip create",
    "end the program": "exit _exit abort kill",
}
_WORDS = {name: words for words, names in _BY_LAST.items() for name in names.split()}
_EVAL = frozenset(("profile", "cProfile", "trace", "timeit", "bdb", "pdb"))


def effects_of(judged: Iterable[tuple[Global, Verdict]]) -> tuple[str, ...]:
    """One sentence a kept call, dangers first, then what would be imported and made."""
    judged = list(judged)
    bad = [line for found, verdict in judged if verdict == "dangerous" for line in _dangerous(found)]
    code = [_code(found) for found, verdict in judged if verdict == "code"]
    lines = list(dict.fromkeys(bad + code))
    return tuple(lines[:MOST]) + ((f"and {len(lines) - MOST:,} more",) if len(lines) > MOST else ())


def _dangerous(found: Global) -> list[str]:
    name, what = escaped(found.name, 200), words_for(found.name)
    calls = found.calls[:EACH]
    if not calls:
        return [f"{name} would be imported; it can {what}"]
    return [_sentence(name, what, call) for call in calls]


def _sentence(name: str, what: str, call: Call) -> str:
    if call.how == "build":
        return f"attributes of {name} would be set to {spelled(call.state)}"
    return f"{name}({arguments(call.args)}) would {what}"


def words_for(name: str) -> str:
    """What a dangerous name does, as far as it is told by its last part."""
    module, _, last = name.rpartition(".")
    if last in ("run", "main") and module.split(".")[0] in _EVAL:
        return "run Python code"
    return _WORDS.get(last, "be called" if not last.startswith("__") else "reach into Python's own objects")


def _code(found: Global) -> str:
    name = escaped(found.name, 200)
    if not found.called:
        return f"{name} would be imported"
    return f"{name} would be imported and called" + (f" {found.called:,} times" if found.called > 1 else "")
