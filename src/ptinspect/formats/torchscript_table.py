"""TorchScript of torch 1.0 to 1.3: `model.json` holds the module tree and a table of tensors, `attributes.pkl` plain values.

It is protobuf's ModelDef written as JSON (caffe2/proto/torch.proto; read back by torch's import_legacy.cpp): field names in
camel case or as in the schema, whole numbers of 64 bits as text. Classes have no names there; like torch we name each module
after its place. From this an ordinary TorchScript tree is made, so that nobody above has to know.
"""

from __future__ import annotations

import re
from typing import Any

from ptinspect.dtypes import BY_NAME, BYTE
from ptinspect.errors import FileProblem
from ptinspect.formats import bounded_json
from ptinspect.formats.archive import Archive
from ptinspect.formats.bounded_json import whole, wholes
from ptinspect.formats.candidate import Candidate
from ptinspect.formats.described import WholeRecords
from ptinspect.formats.document import ClassMembers, Document
from ptinspect.formats.rebuild import changed
from ptinspect.formats.script_pickles import gather_rest, texts
from ptinspect.formats.script_walk import ScriptRebuilder, ScriptWalk, outside_weights
from ptinspect.pickles.values import Call, Dict, Global, Value
from ptinspect.tensors import TensorInfo

_MARKS = (b'"protoVersion"', b'"proto_version"', b'"mainModule"', b'"main_module"')
_DTYPES = {"FLOAT": "float32", "DOUBLE": "float64", "FLOAT16": "float16", "BFLOAT16": "bfloat16", "BOOL": "bool", "BYTE": "uint8"}
_DTYPES |= {name: name.lower() for name in ("UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64")}
_QUANTIZED = {"uint8": "quint8", "int8": "qint8", "int32": "qint32"}
MOST_MODULES = 100_000
_CAMEL = re.compile(r"_([a-z])")

Json = dict[str, Any]


def offers(candidate: Candidate) -> bool:
    """Whether this is such a file: `model.json` begins like the message that torch wrote."""
    folder = candidate.folder_of("model.json")
    if candidate.directory is None or folder is None:
        return False
    try:
        head = candidate.directory.read(candidate.directory.records[f"{folder}model.json"], 4_096)
    except FileProblem:
        return False
    return any(mark in head for mark in _MARKS)


def read(candidate: Candidate) -> Document:
    """The document in it."""
    folder = candidate.folder_of("model.json") or ""
    archive = Archive(candidate, "torchscript")
    name = f"{folder}model.json"
    model = bounded_json.parse(archive.directory.read(archive.directory.records[name]), archive.limits, name)
    root = _Model(archive, folder, model).build()
    for key in ("producer_name", "producer_version", "proto_version"):
        if _get(model, key) is not None:
            archive.document.facts[key.replace("_", " ")] = str(_get(model, key))[:100]
    gather_rest(archive, folder, [f"{folder}attributes.pkl"])
    archive.document.code = texts(archive, folder, ("code/", "libs/"))
    return archive.finish(root, (f"{folder}tensors/",))


def _get(message: Json, key: str) -> Any:
    """A field under either spelling of its name."""
    found = message.get(key)
    return message.get(_CAMEL.sub(lambda match: match[1].upper(), key)) if found is None else found


def _items(message: Json, key: str) -> list[Json]:
    found = _get(message, key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


class _Model:
    """One model while its tree is put together."""

    def __init__(self, archive: Archive, folder: str, model: Json) -> None:
        self.archive = archive
        self.folder = folder
        self.model = model
        self.records = WholeRecords(archive.directory, folder)
        self.rebuilder = ScriptRebuilder(self.records)
        self.table = [self.rebuilder.add(self._tensor(entry), "torchscript tensor") for entry in _items(model, "tensors")]
        self.values: Value = ()
        self.classes: dict[str, ClassMembers] = {}

    def build(self) -> Value:
        """The root module, every tensor of the table reached, by its name or as a constant of the code."""
        archive = self.archive
        name = f"{self.folder}attributes.pkl"
        if name in archive.directory.records:
            self._attributes(name)
        main = _get(self.model, "main_module")
        root = self._tree(main if isinstance(main, dict) else {})
        ScriptWalk(self.rebuilder, archive.limits, archive.reached, self.table).over(root)
        constants = [value for value in self.table if id(value) not in archive.reached.by_value]
        with outside_weights(archive.reached):
            ScriptWalk(self.rebuilder, archive.limits, archive.reached).over(constants, "constants")
        archive.document.classes = self.classes.get
        return root

    def _attributes(self, name: str) -> None:
        try:
            self.values = self.archive.parse(self.archive.directory.records[name])
        except FileProblem as problem:
            self.archive.broken(name, problem)

    def _value(self, number: object) -> Value:
        """An attribute's value by its number in `attributes.pkl`; -1 means none."""
        index = whole(number)
        values = self.values if type(self.values) in (list, tuple) else ()
        return values[index] if index is not None and 0 <= index < len(values) else None

    def _tensor(self, entry: Json) -> TensorInfo:
        shape, strides, offset = wholes(_get(entry, "dims") or []), wholes(_get(entry, "strides") or []), whole(_get(entry, "offset") or 0)
        kind = _DTYPES.get(str(_get(entry, "data_type")))
        data = _get(entry, "data")
        key = data.get("key") if isinstance(data, dict) else None
        if shape is None or strides is None or offset is None or kind is None or type(key) is not str:
            return TensorInfo("", (), (), BYTE, None, problem="its entry in model.json cannot be read")
        quantizer = None
        if _get(entry, "is_quantized") is True:
            kind = _QUANTIZED.get(kind, kind)
            quantizer = ("torch.per_tensor_affine", _get(entry, "scale"), whole(_get(entry, "zero_point")))
        tensor = self.records.view(key, BY_NAME[kind], shape, strides, offset=offset, grad=_get(entry, "requires_grad") is True)
        return tensor if quantizer is None else changed(tensor, quantizer=quantizer)

    def _tree(self, main: Json) -> Call:
        """Modules as TorchScript's own pickles would hold them, from the root down without recursion."""
        root = Call(Global("__torch__"), (), "new")
        todo = [(main, root, "__torch__")]
        while todo and len(self.classes) < MOST_MODULES:
            module, call, above = todo.pop()
            atoms = str(_get(module, "name") or "Module")[:1_000].split(".")
            name = ".".join([above, *(f"_{atom}" if atom.isdigit() else atom for atom in atoms)])
            call.fn = Global(name)
            state = Dict()
            call.states = (state, *self._own_state(module))
            self._members(module, name, state)
            for child in _items(module, "submodules"):
                below = Call(call.fn, (), "new")
                state.pairs.append((str(_get(child, "name"))[:1_000], below))
                todo.append((child, below, name[-1_000:]))
        return root

    def _own_state(self, module: Json) -> tuple[Value, ...]:
        """What a module with `__getstate__` had packed."""
        number = _get(module, "get_state_attribute_id")
        return () if number is None else (self._value(number),)

    def _members(self, module: Json, name: str, state: Dict) -> None:
        """Parameters, buffers and attributes of one module, declared as a class text would."""
        parameters: list[str] = []
        buffers: list[str] = []
        attributes: dict[str, str] = {}
        for entry in _items(module, "parameters"):
            number, own = whole(_get(entry, "tensor_id") or 0), str(_get(entry, "name"))[:1_000]
            (buffers if _get(entry, "is_buffer") is True else parameters).append(own)
            attributes[own] = "Tensor"
            if number is not None and 0 <= number < len(self.table):
                state.pairs.append((own, self.table[number]))
        for entry in _items(module, "attributes"):
            own = str(_get(entry, "name"))[:1_000]
            if own not in attributes:  # a buffer is listed twice
                attributes[own] = str(_get(entry, "type"))[:1_000]
                state.pairs.append((own, self._value(_get(entry, "id"))))
        self.classes[name] = ClassMembers(tuple(parameters), tuple(buffers), attributes)
