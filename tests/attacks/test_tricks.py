"""One test for each known trick that hides what a pickle does. Ids are those of the collection of attacks in the project's issue."""

from __future__ import annotations

import base64
import struct

import pytest

from ptinspect.checkpoint.safety import assess, look_into_records
from ptinspect.formats.document import Document, Record
from ptinspect.pickles.window import Memory
from tests.attacks.payloads import P2, P4, STOP, SYSTEM, call, name, parsed, pickled, raw, short, text, verdicts

PLAIN = pickled(b"}" + text("a") + b"K\x01s")


def titles(safety: object) -> list[str]:
    return [finding.title for finding in safety.findings]  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", ["posix", "nt", "os"])
def test_that_a_shell_command_is_named_and_told_in_plain_words(module: str) -> None:
    """S-01: posix.system by __reduce__."""
    safety, streams = parsed(pickled(call(module, "system", text("ls -la"))))
    assert safety.verdict == "dangerous"
    assert safety.effects == (f"{module}.system('ls -la') would run a shell command",)
    assert streams[0].problem is None


def test_that_tar_files_are_refused_by_torch() -> None:
    """S-02: weights_only and tar was a way in up to torch 2.5.1; today torch refuses, and we say so."""
    safety, _ = parsed(PLAIN, container="torch-tar")
    assert safety.loads_weights_only is False
    assert safety.why_refused


@pytest.mark.parametrize("put", [b"K\x00K\x01s", b"(K\x00K\x01u", b"K\x00a"])
def test_that_keys_set_on_a_tensor_are_refused_as_torch_does(put: bytes) -> None:
    """S-03: SETITEM, SETITEMS and APPEND on something that is no dict or list."""
    body = call("torch._utils", "_rebuild_tensor_v2", b"N", b"K\x00", b")", b")", b"\x89", b"N") + put
    safety, _ = parsed(pickled(body), container="torch-zip")
    assert safety.loads_weights_only is False


def test_that_a_payload_before_a_broken_end_is_seen() -> None:
    """S-05: the payload has run by the time the stream breaks."""
    safety, streams = parsed(P2 + call("os", "system", text("id")) + b"0\xff\xff")
    assert streams[0].problem is not None
    assert safety.verdict == "dangerous"
    assert safety.effects[0].startswith("os.system('id')")


def test_that_a_synonym_of_exec_under_numpy_is_dangerous() -> None:
    """S-08: prefix allow lists let numpy.testing._private.utils.runstring through."""
    safety, _ = parsed(pickled(call("numpy.testing._private.utils", "runstring", text("1"), b"}")))
    assert safety.verdict == "dangerous"


def test_that_a_call_whose_result_is_thrown_away_is_seen() -> None:
    """S-10: OBJ, then POP."""
    safety, _ = parsed(pickled(b"(" + name("smtplib", "SMTP") + text("host") + b"o0N"))
    assert safety.effects == ("smtplib.SMTP('host') would connect to the network",)


def test_that_a_name_whose_parts_come_from_the_memo_is_seen() -> None:
    """S-11: STACK_GLOBAL on memoized strings."""
    body = short("os") + b"\x940" + short("system") + b"\x940" + b"h\x00h\x01\x93" + short("id") + b"\x85R"
    safety, _ = parsed(pickled(body, P4))
    assert verdicts(safety) == {"os.system": "dangerous"}


@pytest.mark.parametrize(
    ("module", "attribute"),
    [
        ("pathlib", "os.system"),
        ("tempfile", "_os.system"),
        ("torch.serialization", "os.system"),
        ("torch", "serialization.pickle.loads"),
        ("random", "_os.popen"),
        ("numpy", "__builtins__"),
        ("collections", "OrderedDict.__init__.__globals__"),
        ("torch.utils", "data.os"),
        ("some.module", "subprocess.run"),
        ("site", "builtins.eval"),
    ],
)
def test_that_dotted_attributes_lead_nowhere_unseen(module: str, attribute: str) -> None:
    """S-11: `pathlib` + `os.system`."""
    safety, _ = parsed(pickled(short(module) + short(attribute) + b"\x93" + short("x") + b"\x85R", P4))
    assert safety.verdict == "dangerous"


def test_that_a_name_built_from_no_text_is_code_with_a_finding() -> None:
    """S-11: operands of STACK_GLOBAL that are no strings."""
    body = short("torch") + short("_utils") + b"\x93" + short("thing") + b"\x93"
    safety, _ = parsed(pickled(body, P4))
    assert safety.verdict == "code"
    assert "a name is built from something that is no text" in titles(safety)


def test_that_letters_joined_to_a_name_are_dangerous() -> None:
    """S-11: itemgetter on an alphabet, joined, given to getattr."""
    alphabet = call("operator", "itemgetter", b"K\x00", b"K\x01") + text("os") + b"\x85R"
    joined = call("builtins", "getattr", text(""), text("join")) + b"(" + alphabet + b"tR"
    safety, _ = parsed(pickled(joined))
    assert verdicts(safety)["operator.itemgetter"] == "dangerous"
    assert verdicts(safety)["builtins.getattr"] == "dangerous"


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (b"(" + text("id") + b"ios\nsystem\n", "os.system"),
        (b"(" + name("os", "system") + text("id") + b"o", "os.system"),
        (name("os", "system") + text("id") + b"\x85}\x92", "os.system"),
        (name("os", "system") + text("id") + b"\x85\x81", "os.system"),
        (call("os", "system", text("id")) + b"Q", "os.system"),
    ],
)
def test_that_every_instruction_that_calls_is_seen(body: bytes, seen: str) -> None:
    """S-12: INST, OBJ, NEWOBJ_EX, NEWOBJ, a persistent id that is a call."""
    safety, _ = parsed(pickled(body, P4))
    assert verdicts(safety)[seen] == "dangerous"
    assert safety.effects[0] == "os.system('id') would run a shell command" or "id" in safety.effects[0]


@pytest.mark.parametrize("instruction", [b"\x82\x05", b"\x83\x05\x00", b"\x84\x05\x00\x00\x00"])
def test_that_a_number_of_copyregs_registry_is_code_with_a_finding(instruction: bytes) -> None:
    """S-12: EXT1, EXT2, EXT4."""
    safety, _ = parsed(pickled(instruction + b")R"))
    assert safety.verdict == "code"
    assert "a name comes from a registry outside the file" in titles(safety)


@pytest.mark.parametrize(
    ("target", "state"),
    [
        (name("numpy", "size"), name("numpy", "__builtins__")),
        (name("numpy", "size"), b"}" + text("__code__") + b"K\x01s"),
        (name("collections", "OrderedDict"), b"}" + text("__init__") + b"K\x01s"),
        (name("torch", "_utils"), b"}" + text("_rebuild_tensor_v2") + b"Ns"),
        (name("collections", "OrderedDict"), b"N}" + text("__reduce__") + b"Ns\x86"),
    ],
)
def test_that_build_on_a_name_itself_is_dangerous(target: bytes, state: bytes) -> None:
    """S-13: BUILD sets attributes on an allowed class, function or module."""
    safety, _ = parsed(pickled(target + state + b"b"))
    assert safety.verdict == "dangerous"


def test_that_build_on_an_object_stays_plain() -> None:
    """S-13: state of an OrderedDict is what every state_dict has."""
    body = name("collections", "OrderedDict") + b")R}" + text("_metadata") + b"}sb"
    assert parsed(pickled(body))[0].verdict == "data"


def test_that_a_short_frame_hides_nothing() -> None:
    """S-14: a FRAME that ends inside an instruction, as a reader that trusts it would not see."""
    frame = b"\x95" + struct.pack("<Q", 3)
    safety, _ = parsed(P4 + frame + name("os", "system") + frame + short("id") + b"\x85R" + STOP)
    assert verdicts(safety) == {"os.system": "dangerous"}


def test_that_overlapping_frames_are_told() -> None:
    """S-14: frames that overlap have no honest reason."""
    frame = b"\x95" + struct.pack("<Q", 40)
    safety, _ = parsed(P4 + frame + frame + b"N" + STOP + b"\0" * 64)
    assert "a frame ends inside another" in titles(safety)


def test_that_a_later_pickle_of_the_file_counts() -> None:
    """S-15: the first of several stacked pickles is clean."""
    safety, _ = parsed(PLAIN, PLAIN, SYSTEM)
    assert safety.verdict == "dangerous"


def test_that_a_computed_magic_number_is_dangerous() -> None:
    """S-15: the magic number made by eval."""
    safety, _ = parsed(pickled(call("__builtin__", "eval", text("0x1950A86A20F9469CFC6C"))), PLAIN)
    assert safety.verdict == "dangerous"


INNER = pickled(call("posix", "system", text("echo nested")))
PROTOCOL_0 = b"cposix\nsystem\n(S'echo nested'\ntR."
CASES = {
    "bytes": raw(INNER),
    "bytes of protocol 0": raw(PROTOCOL_0),
    "bytes behind others": raw(b"abc" * 9 + INNER),
    "long bytes": raw(INNER + b"\0" * 70_000),
    "base64": text(base64.b64encode(INNER).decode()),
    "base64 for addresses": text(base64.urlsafe_b64encode(INNER).decode()),
    "base64 in lines": text(base64.encodebytes(pickled(call("posix", "system", text("echo " * 40)))).decode()),
    "base64 in a sentence": text("data:application/octet-stream;base64," + base64.b64encode(INNER).decode()),
    "base64 in bytes": raw(base64.b64encode(INNER)),
    "hexadecimal": text(INNER.hex()),
    "hexadecimal in bytes": raw(INNER.hex().encode()),
    "latin-1": call("_codecs", "encode", text(INNER.decode("latin-1")), text("latin1")),
    "protocol 0 as text": text(PROTOCOL_0.decode()),
    "protocol 0 in a list as text": text("(lp0\nS'a'\nacposix\nsystem\n(S'echo'\ntRa."),
    "for torch": call("torch.storage", "_load_from_bytes", raw(PLAIN + PLAIN + INNER)),
    "two levels": raw(pickled(raw(pickled(text(base64.b64encode(INNER).decode()), P4)), P4)),
    "text across a chunk": text("x" * ((1 << 18) - 40)) + text(base64.b64encode(INNER).decode()),
}


@pytest.mark.parametrize("payload", CASES.values(), ids=CASES)
def test_that_a_pickle_inside_a_pickle_is_found(payload: bytes) -> None:
    """S-16: in bytes, base64, hexadecimal, text, several stages."""
    safety, _ = parsed(pickled(b"(" + text("weights") + payload + b"t", P4))
    assert safety.verdict == "dangerous"
    assert verdicts(safety)["posix.system"] == "dangerous"
    assert any(finding.severity == "danger" and "hidden" in finding.title for finding in safety.findings)


@pytest.mark.parametrize("module", ["pickle", "_pickle", "cPickle", "dill", "joblib", "numpy", "torch"])
def test_that_a_loader_of_other_pickles_is_dangerous(module: str) -> None:
    """S-16: pickle.loads, numpy.load, torch.load as names."""
    attribute = "loads" if "ickle" in module or module == "dill" else "load"
    assert parsed(pickled(call(module, attribute, raw(b"N."))))[0].verdict == "dangerous"


@pytest.mark.parametrize("data", [bytes(range(256)) * 40, b"\x80\x02" + b"\x00" * 500, b"\x80\x04\x95" * 200, b"ccc\nddd\n", b"}."])
def test_that_bytes_that_only_begin_like_a_pickle_are_no_finding(data: bytes) -> None:
    """S-16: reported only if it parses to its end and names something."""
    safety, _ = parsed(pickled(raw(data) + text(base64.b64encode(data).decode()) + text(data.hex()) + b"\x87", P4))
    assert (safety.verdict, safety.findings) == ("data", ())


def test_that_a_record_which_is_a_pickle_is_found() -> None:
    """S-17: archive/data/0 is a pickle."""
    head = struct.pack("<4s5H3I2H", b"PK\x03\x04", 0, 0, 0, 0, 0, 0, len(SYSTEM), len(SYSTEM), 14, 0) + b"archive/data/0"
    source = Memory(head + SYSTEM)
    record = Record("archive/data/0", 0, None, len(SYSTEM), len(SYSTEM), 0, 0, 0)
    document = Document("torch-zip", None, records={record.name: record})
    found = look_into_records(document, source)
    assert [finding.where for finding in found] == ["archive/data/0"]
    assert assess(document).verdict == "dangerous"


def test_that_a_submodule_of_a_dangerous_module_is_dangerous() -> None:
    """S-19: asyncio.unix_events."""
    safety, _ = parsed(pickled(call("asyncio.unix_events", "_UnixSubprocessTransport._start", b"}", text("whoami"))))
    assert safety.verdict == "dangerous"


@pytest.mark.parametrize("line", ["torch.from_file(name, False, 4)", "ops.image.read_file(path)", "ops.aten.save(x, path)", "eval(text)"])
def test_that_a_program_which_reaches_outside_is_dangerous(line: str) -> None:
    """S-20: TorchScript with operators that read or write files, and text that torch never wrote."""
    document = Document("torchscript", None, code={"code/__torch__.py": lambda: f"def forward(self):\n  return {line}\n"})
    safety = assess(document)
    assert safety.verdict == "dangerous"
    assert safety.findings[0].where == "code/__torch__.py"


@pytest.mark.parametrize(
    "line", ["torch.as_strided(x, [1], [1], 0)", "x.set_(y)", "self.eval(x)", "torch.load_state(x)", "ops.quantized.linear(x)"]
)
def test_that_an_ordinary_program_is_code_and_no_alarm(line: str) -> None:
    """S-20, S-36: traced models are full of as_strided."""
    document = Document("torchscript", None, code={"code/__torch__.py": lambda: f"def forward(self):\n  return {line}\n"})
    safety = assess(document)
    assert (safety.verdict, safety.findings) == ("code", ())


def test_that_metadata_of_a_distributed_checkpoint_is_judged_too() -> None:
    """S-20: `.metadata` with builtins.exec."""
    safety, _ = parsed(pickled(call("builtins", "exec", text("1"))), container="distributed")
    assert safety.verdict == "dangerous"


@pytest.mark.parametrize(
    ("owner", "attribute", "verdict"),
    [
        (name("omegaconf.base", "Container"), "from_dict", "code"),
        (name("my.models", "Outer"), "Inner", "code"),
        (name("enum", "Color"), "RED", "code"),
        (name("my.models", "Net") + b")\x81", "forward", "code"),
        (name("torch", "serialization"), "load", "dangerous"),
        (name("my.models", "Outer"), "__globals__", "dangerous"),
        (name("my.models", "Outer"), "system", "dangerous"),
        (name("os", "path"), "join", "dangerous"),
        (name("pathlib", "PosixPath") + text("x") + b"\x85R", "write_text", "dangerous"),
        (text("abc"), "format", "dangerous"),
        (b"}", "get", "dangerous"),
    ],
)
def test_that_getattr_is_judged_by_what_it_is_called_with(owner: bytes, attribute: str, verdict: str) -> None:
    """S-09 and S-36: the way below protocol 4 to pickle a bound method or a nested class, and a way to everything."""
    safety, _ = parsed(pickled(call("builtins", "getattr", owner, text(attribute))))
    assert verdicts(safety)["builtins.getattr"] == verdict


def test_that_a_bad_getattr_does_not_hide_behind_many_good_ones() -> None:
    """S-09: every call is looked at, not the first few."""
    good = call("builtins", "getattr", name("my.models", "Outer"), text("Inner"))
    bad = call("builtins", "getattr", name("my.models", "Outer"), text("__globals__"))
    assert parsed(pickled(b"(" + good * 300 + b"t"))[0].verdict == "code"
    assert parsed(pickled(b"(" + good * 300 + bad + b"t"))[0].verdict == "dangerous"


def test_that_a_getter_is_dangerous_once_it_is_used() -> None:
    """S-09: attrgetter alone sorts rows; called, it walks."""
    getter = call("operator", "attrgetter", text("name"))
    assert parsed(pickled(getter))[0].verdict == "code"
    assert parsed(pickled(getter + name("my.models", "Net") + b"\x85R"))[0].verdict == "dangerous"
    assert parsed(pickled(name("operator", "attrgetter")))[0].verdict == "dangerous"


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("\n\n\ndef forward(self, x):\n    conv = self.conv(x);  x = None\n    return conv\n", "code"),
        ("import torch\ndef forward(self, x):\n    return getattr(self, 'a.b')(x)\n", "dangerous"),
        ("def forward(self):\n    import os\n    os.system('id')\n", "dangerous"),
        ("().__class__.__bases__\ndef forward(self): pass", "dangerous"),
    ],
)
def test_that_a_traced_model_is_judged_by_its_source(source: str, verdict: str) -> None:
    """S-36: torch.fx rebuilds a model from the text it stored."""
    body = b"}" + text("_code") + text(source) + b"s"
    safety, _ = parsed(pickled(call("torch.fx.graph_module", "reduce_graph_module", body, text("import torch\n"))))
    assert safety.verdict == verdict


def test_that_effects_of_a_bomb_are_short() -> None:
    """S-27: a few hundred bytes that spell 10^39 leaves."""
    levels = b"]" + b"".join(b"q\x00(" + b"h\x00" * 10 + b"l" for _ in range(39))
    safety, _ = parsed(pickled(call("os", "system", levels)))
    assert len(safety.effects[0]) < 400


def test_that_effects_of_a_cycle_and_of_control_characters_are_plain_text() -> None:
    """S-29, S-32."""
    cyclic = b"]q\x00h\x00a"
    safety, _ = parsed(pickled(call("os", "system", cyclic, text("\x1b[2J\u202e\n"))))
    assert safety.effects[0].isprintable()


def test_that_a_key_that_takes_for_ever_to_hash_is_told_without_hashing_it() -> None:
    """S-21: 40 levels of pairs as a key."""
    nest = b")q\x00" + b"".join(b"h" + bytes((at,)) + b"\x86q" + bytes((at + 1,)) for at in range(60))
    bomb = pickled(b"}" + nest + b"K\x01s")
    safety, _ = parsed(bomb, container="torch-zip")
    assert safety.loads_weights_only is False
    assert "for ever" in str(safety.why_refused)
