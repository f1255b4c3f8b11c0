"""What we say about a file as a whole: verdict, words, notices, and what it costs."""

from __future__ import annotations

import pytest

from ptinspect.checkpoint.safety import assess, look_into_records, verdict_of_name
from ptinspect.formats.document import Document
from ptinspect.pickles.window import Memory
from tests.attacks.payloads import P4, call, name, parsed, pickled, raw, short, text, verdicts


def notices(*strings: str) -> list[str]:
    """The details of the notices for a pickle that holds these strings."""
    safety, _ = parsed(pickled(b"(" + b"".join(text(string) for string in strings) + b"l"))
    assert {finding.severity for finding in safety.findings} <= {"notice"}
    return [finding.detail for finding in safety.findings]


def test_that_a_file_without_names_is_data() -> None:
    safety, _ = parsed(pickled(b"}"))
    assert (safety.verdict, safety.globals, safety.findings, safety.effects) == ("data", (), (), ())


def test_that_the_worst_name_decides() -> None:
    safety, _ = parsed(pickled(b"(" + name("torch", "float32") + name("my.models", "Net") + b"t"))
    assert safety.verdict == "code"
    assert verdicts(safety) == {"torch.float32": "data", "my.models.Net": "code"}


def test_that_uses_are_summed_over_the_pickles_of_a_file() -> None:
    one = pickled(b"(" + call("collections", "OrderedDict") * 3 + b"t")
    safety, _ = parsed(one, one)
    assert [(found.name, found.uses) for found in safety.globals] == [("collections.OrderedDict", 6)]


@pytest.mark.parametrize("container", ["torchscript", "torch-export", "torch-package"])
def test_that_a_program_is_at_least_code(container: str) -> None:
    safety, _ = parsed(pickled(b"}"), container=container)
    assert safety.verdict == "code"


@pytest.mark.parametrize("container", ["torchscript", "torch-export", "torch-package", "safetensors", "pickle", "sharded", "distributed"])
def test_that_torch_load_is_not_the_loader_of_every_container(container: str) -> None:
    safety, _ = parsed(pickled(b"}"), container=container)
    assert (safety.loads_weights_only, safety.why_refused) == (None, None)


def test_that_a_refusal_says_why() -> None:
    safety, _ = parsed(pickled(name("torch", "float32") + name("my.models", "Net") + b"\x86"), container="torch-zip")
    assert safety.loads_weights_only is False
    assert safety.why_refused == "it names my.models.Net"


def test_that_effects_name_what_would_be_made() -> None:
    safety, _ = parsed(pickled(b"(" + (name("my.models", "Net") + b")\x81") * 2 + b"t"))
    assert safety.effects == ("my.models.Net would be imported and called 2 times",)


def test_that_dangers_come_first_and_many_are_counted() -> None:
    many = b"".join(call("my.models", f"Net{number}") for number in range(100))
    safety, _ = parsed(pickled(b"(" + many + call("os", "system", text("id")) + b"t"))
    assert safety.effects[0] == "os.system('id') would run a shell command"
    assert safety.effects[-1] == "and 41 more"


@pytest.mark.parametrize(
    ("string", "told"),
    [
        ("/home/ada/runs/1", "1 user name: ad…. 1 home path: /home/ad…"),
        ("/home/runner/work", "1 home path: /home/ru…"),
        ("/Users/ada/x", "1 user name: ad…"),
        ("C:\\Users\\ada\\x", "1 user name: ad…"),
        ("mail ada@example.org now", "1 e-mail address: a…@example.org"),
        ("hf_" + "aB3" * 12, "1 access token: hf_aB3…"),
        ("ghp_" + "aB3" * 12, "1 access token: ghp_aB…"),
        ("AKIA" + "Q1W2E3R4T5Y6U7I8", "1 access token: AKIAQ1…"),
        ("sk-" + "aB3d" * 12, "1 access token: sk-aB3…"),
        ("DESKTOP-A1B2C3D", "1 host name: DESKTOP-A1…"),
        ("ip-10-0-12-7", "1 host name: ip-10-0-12…"),
    ],
)
def test_that_what_tells_about_people_is_noticed_and_masked(string: str, told: str) -> None:
    (detail,) = notices("layer.weight", string, "layer.bias")
    assert told in detail
    assert string not in detail


def test_that_a_key_of_wandb_is_told_by_its_context() -> None:
    key = "0123456789abcdef0123456789abcdef01234567"
    assert "access token" in notices("WANDB_API_KEY", key)[0]
    assert notices("revision", key) == []


@pytest.mark.parametrize(
    "string",
    [
        "encoder.layers.0.self_attn.q_proj.weight",
        "task-specific-layer-normalization-of-the-last-block",
        "sk-specific-layer-normalization-of-the-last-block",
        "hf_model_with_a_very_long_name_that_is_no_token_at_all",
        "AKIAMODEL",
        "model@v1.pt",
        "@torch.jit.script",
        "home/ada",
        "a@b",
        "_".join("x1" for _ in range(40)),
    ],
)
def test_that_layer_names_are_no_secrets(string: str) -> None:
    assert notices(string) == []


@pytest.mark.parametrize("full", ["x" * 5_000, ".", "a.", ".b", "a..b", "os", "\x00.\x00", ".".join("abc" * 100)])
def test_that_strange_names_have_a_verdict(full: str) -> None:
    assert verdict_of_name(full) in ("data", "code", "dangerous")


def test_that_many_hidden_pickles_are_bounded() -> None:
    inner = pickled(call("os", "system", text("id")))
    safety, _ = parsed(pickled(b"(" + raw(inner) * 2_000 + b"t", P4))
    assert safety.verdict == "dangerous"
    assert len(safety.findings) < 10


def test_that_pickles_inside_pickles_end_somewhere() -> None:
    inner = pickled(call("os", "system", text("id")))
    for _ in range(40):
        inner = pickled(raw(inner), P4)
    assert parsed(inner)[0].verdict in ("data", "dangerous")


def test_that_a_document_without_records_has_none_to_look_into() -> None:
    assert look_into_records(Document("safetensors", None), Memory(b"")) == []


def test_that_names_in_any_language_are_told() -> None:
    safety, _ = parsed(pickled(short("модель") + short("Сеть") + b"\x93", P4))
    assert verdicts(safety) == {"модель.Сеть": "code"}
    assert assess(Document("pickle", None)).verdict == "data"
