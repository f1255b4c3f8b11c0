"""First bytes that say what a file is: one line a kind, with what people should do about it."""

from __future__ import annotations

import re
from typing import NamedTuple

from ptinspect.errors import FileProblem, NotACheckpoint, Unsupported

OTHER_TOOL = "ptinspect opens PyTorch and safetensors files; look for one beside it, or convert it with the tools of its own framework."
WRONG_NAME = "It was given the wrong name: look for the checkpoint where this file came from."
UNPACK = "Unpack it and open the checkpoint in it."
PROGRAM = "Do not start it if you expected a checkpoint; get the right file from its source."


class Signature(NamedTuple):
    """What stands where, and what that means."""

    offset: int
    magic: bytes
    what: str
    hint: str
    problem: type[FileProblem] = NotACheckpoint


_GGML = (b"lmgg", b"tjgg", b"fmgg", b"algg", b"ggml")
_MOBILE = "Load it with PyTorch's mobile runtime, or save the model again with torch.jit.save or torch.save and open that."

SIGNATURES = (
    Signature(4, b"PTMF", "a mobile PyTorch model (flatbuffer, .ptl)", _MOBILE, Unsupported),
    Signature(4, b"ET1", "an ExecuTorch program (.pte)", "ExecuTorch runs it; open the checkpoint or .pt2 file that it was exported from."),
    Signature(4, b"TFL3", "a TensorFlow Lite model (.tflite)", OTHER_TOOL),
    Signature(0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras (.h5) and others write", OTHER_TOOL),
    Signature(0, b"GGUF", "a GGUF model (llama.cpp)", OTHER_TOOL),
    *(Signature(0, magic, "a GGML model (old llama.cpp or whisper.cpp)", OTHER_TOOL) for magic in _GGML),
    Signature(0, b"\x93NUMPY", "a numpy array (.npy)", "numpy.load reads it; it holds one array and no checkpoint."),
    Signature(12, b"V 1", "a Torch7 (Lua) file (.t7)", "Convert it with a Torch7 reader; torch.load has not read it since PyTorch 1.0."),
    Signature(0, b"7767517\n", "an ncnn model description (.param)", OTHER_TOOL),
    Signature(0, b"\x12\x01\x00\x00\x00\x00\x00\x00", "an MXNet parameter file (.params)", OTHER_TOOL),
    Signature(0, b"ptrt", "a TensorRT engine", OTHER_TOOL),
    Signature(0, b"ftrt", "a TensorRT engine", OTHER_TOOL),
    Signature(0, b"\x89PNG\r\n\x1a\n", "a PNG picture", WRONG_NAME),
    Signature(0, b"\xff\xd8\xff", "a JPEG picture", WRONG_NAME),
    Signature(0, b"GIF8", "a GIF picture", WRONG_NAME),
    Signature(8, b"WEBP", "a WebP picture", WRONG_NAME),
    Signature(8, b"WAVE", "a WAV sound", WRONG_NAME),
    Signature(0, b"II*\x00", "a TIFF picture", WRONG_NAME),
    Signature(0, b"MM\x00*", "a TIFF picture", WRONG_NAME),
    Signature(4, b"ftyp", "a video (MP4)", WRONG_NAME),
    Signature(0, b"OggS", "an Ogg sound or video", WRONG_NAME),
    Signature(0, b"fLaC", "a FLAC sound", WRONG_NAME),
    Signature(0, b"%PDF", "a PDF document", WRONG_NAME),
    Signature(0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    Signature(0, b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    Signature(0, b"\x28\xb5\x2f\xfd", "a file compressed with zstd", "Decompress it (zstd -d) and open what comes out."),
    Signature(0, b"\x04\x22\x4d\x18", "a file compressed with lz4", "Decompress it (lz4 -d) and open what comes out."),
    Signature(0, b"LZIP", "a file compressed with lzip", "Decompress it (lzip -d) and open what comes out."),
    Signature(0, b"\x1f\x9d", "a file compressed with compress", "Decompress it (uncompress) and open what comes out."),
    Signature(0, b"!<arch>\n", "a static library or Debian package (ar archive)", WRONG_NAME),
    Signature(0, b"PK\x07\x08", "a part of a split zip archive", "Put the parts together, unpack them and open what comes out."),
    Signature(0, b"PK00PK", "a part of a split zip archive", "Put the parts together, unpack them and open what comes out."),
    Signature(0, b"SQLite format 3\x00", "an SQLite database", WRONG_NAME),
    Signature(0, b"PAR1", "a Parquet table", WRONG_NAME),
    Signature(0, b"ARROW1", "an Arrow table", WRONG_NAME),
    Signature(0, b"Obj\x01", "an Avro file", WRONG_NAME),
    Signature(0, b"\x7fELF", "a program or library for Linux (ELF)", PROGRAM),
    Signature(0, b"\xcf\xfa\xed\xfe", "a program or library for macOS", PROGRAM),
    Signature(0, b"\xca\xfe\xba\xbe", "a Java class or a macOS program", PROGRAM),
    Signature(0, b"\x00asm", "a WebAssembly program", PROGRAM),
    Signature(0, b"BC\xc0\xde", "LLVM bitcode", PROGRAM),
    Signature(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document", WRONG_NAME),
    Signature(0, b"CDF\x01", "a NetCDF file", WRONG_NAME),
    Signature(0, b"bplist00", "an Apple property list", WRONG_NAME),
)


def by_signature(head: bytes) -> FileProblem | None:
    """What the first bytes say for certain."""
    for offset, magic, what, hint, problem in SIGNATURES:
        if head[offset : offset + len(magic)] == magic:
            return problem(f"this is {what}, not a checkpoint" if problem is NotACheckpoint else f"this is {what}", hint)
    if head[:2] == b"MZ" and b"PE\x00\x00" in head:
        return NotACheckpoint("this is a program or library for Windows (EXE, DLL), not a checkpoint", PROGRAM)
    return None


# -- formats without a magic number: judged by structure, so more than a byte has to fit -----------------------------------


def by_structure(head: bytes, size: int) -> FileProblem | None:
    """What the first fields look like."""
    for looks, what in _STRUCTURES:
        if looks(head, size):
            return NotACheckpoint(f"this looks like {what}, not like a checkpoint", OTHER_TOOL)
    return None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of 7-bit groups, low ones first, and where the next byte stands; -1 where there is none."""
    value = shift = 0
    for index in range(at, min(len(data), at + 9)):
        value |= (data[index] & 0x7F) << shift
        shift += 7
        if data[index] < 0x80:
            return value, index + 1
    return -1, len(data)


def _is_onnx(head: bytes, size: int) -> bool:
    """ModelProto: ir_version, then the producer's name as printable text, or the graph right away."""
    if head[:1] != b"\x08" or not head[1:2] or not 1 <= head[1] <= 20 or head[2:3] not in (b"\x12", b":"):
        return False
    length, at = _varint(head, 3)
    if head[2:3] == b":":
        return at < length <= size and head[at : at + 1] == b"\x0a"
    return 0 < length < 100 and _is_name(head[at : at + length]) and head[at + length : at + length + 1] in b"\x1a:*2B"


def _is_name(text: bytes) -> bool:
    return text.isascii() and text.decode("ascii").isprintable()


def _is_saved_model(head: bytes, size: int) -> bool:
    return head[:3] == b"\x08\x01\x12" and (b"tensorflow" in head.lower() or b"serve" in head)


def _is_core_ml(head: bytes, size: int) -> bool:
    return head[:1] == b"\x08" and head[2:3] == b"\x12" and (b"coremltools" in head or b"com.github.apple" in head)


def _is_flax(head: bytes, size: int) -> bool:
    """MessagePack: a map whose first key is one that Flax writes."""
    return re.match(rb"([\x80-\x8f]|\xde..)(\xa6params|\xa4step|\xa9opt_state)", head, re.DOTALL) is not None


def _is_darknet(head: bytes, size: int) -> bool:
    """Three 32-bit numbers: version 0.1.0, 0.2.0 or 0.2.5."""
    return size % 4 == 0 and size > 20 and head[:12] in _DARKNET


_DARKNET = tuple(bytes([0, 0, 0, 0, minor, 0, 0, 0, revision, 0, 0, 0]) for minor, revision in ((1, 0), (2, 0), (2, 5)))
_OPTIMIZERS = frozenset(b"Adam AdamW Adamax Adagrad Adadelta SGD RMSProp RMSprop ASGD Rprop NAdam RAdam LBFGS".split())
_DTYPE_BYTES = {0: 1, 1: 1, 2: 2, 3: 4, 4: 8, 5: 2, 6: 4, 7: 8, 9: 8, 10: 16, 11: 1, 15: 2}


def _sharp_tensor(head: bytes, at: int) -> int:
    """Bytes of a TorchSharp tensor that is described at `at` (dtype, sizes, values) with its description, or -1."""
    dtype, place = _varint(head, at)
    dimensions, place = _varint(head, place)
    if dtype not in _DTYPE_BYTES or not 0 <= dimensions <= 8:
        return -1
    count = 1
    for _ in range(dimensions):
        length, place = _varint(head, place)
        if length < 0:
            return -1
        count *= length
    return place - at + count * _DTYPE_BYTES[dtype]


def _is_torch_sharp(head: bytes, size: int) -> bool:
    """One tensor that fills the file, a count of named tensors, or an optimizer's name."""
    if len(head) < 8:
        return False
    if _sharp_tensor(head, 0) == size:
        return True
    length, at = _varint(head, 0)
    if head[at : at + length] in _OPTIMIZERS:
        return True
    length, at = _varint(head, at)
    return 0 < length < 200 and _is_name(head[at : at + length]) and 0 < _sharp_tensor(head, at + length) <= size


_STRUCTURES = (
    (_is_saved_model, "a TensorFlow SavedModel (saved_model.pb)"),
    (_is_core_ml, "a Core ML model (.mlmodel)"),
    (_is_onnx, "an ONNX model"),
    (_is_flax, "a Flax checkpoint (MessagePack)"),
    (_is_darknet, "a Darknet weight file (.weights)"),
    (_is_torch_sharp, "a TorchSharp file"),
)
