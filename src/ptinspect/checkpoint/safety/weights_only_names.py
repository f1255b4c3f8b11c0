"""What torch 2.13 allows under weights_only=True, and how it rewrites Python 2 names.

Enumerated from that torch; a test holds the table against the one that is installed.
"""

from __future__ import annotations

_KINDS = "Double Float Half BFloat16 Byte Char Short Int Long Bool ComplexDouble ComplexFloat".split()
_TENSOR_KINDS = _KINDS[:10]
_SPARSE_KINDS = [kind for kind in _TENSOR_KINDS if kind != "Bool"]
_DTYPES = """
float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 uint16 uint32 uint64 bool complex128 complex64 complex32
qint8 qint32 quint8 quint4x2 quint2x4 bits16 bits8 bits1x8 bits2x4 bits4x2
float8_e5m2 float8_e8m0fnu float8_e4m3fn float8_e5m2fnuz float8_e4m3fnuz float4_e2m1fn_x2
uint1 uint2 uint3 uint4 uint5 uint6 uint7 int1 int2 int3 int4 int5 int6 int7
"""
_REBUILD = """
_rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3
_rebuild_sparse_tensor _rebuild_meta_tensor_no_storage _rebuild_nested_tensor _rebuild_wrapper_subclass
_rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor
"""
_SCHEMES = "per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric per_channel_affine_float_qparams"

STORAGES: frozenset[str] = frozenset(
    [f"torch.{kind}Storage" for kind in [*_KINDS, "QInt32", "QInt8", "QUInt2x4", "QUInt4x2", "QUInt8"]]
    + [f"torch.cuda.{kind}Storage" for kind in _KINDS]
)
BARE_STORAGES: frozenset[str] = frozenset(("torch.storage.TypedStorage", "torch.storage.UntypedStorage"))
TENSOR_TYPES: frozenset[str] = frozenset(
    [f"{module}.{kind}Tensor" for module in ("torch", "torch.cuda") for kind in _TENSOR_KINDS]
    + [f"{module}.{kind}Tensor" for module in ("torch.sparse", "torch.cuda.sparse") for kind in _SPARSE_KINDS]
)
DTYPES: frozenset[str] = frozenset(f"torch.{name}" for name in _DTYPES.split())
SCHEMES: frozenset[str] = frozenset(f"torch.{name}" for name in _SCHEMES.split())
REBUILD: frozenset[str] = frozenset(f"torch._utils.{name}" for name in _REBUILD.split()) | {"torch._tensor._rebuild_from_type_v2"}
PLAIN_CALLS: frozenset[str] = frozenset(
    """
    collections.OrderedDict collections.Counter torch.nn.parameter.Parameter torch.serialization._get_layout torch.Size torch.Tensor
    torch.device _codecs.encode builtins.bytearray builtins.set builtins.complex
    """.split()
)
REGISTERED: frozenset[str] = frozenset(
    """
    torch.distributed._mesh_layout._FlatLayout torch.distributed._mesh_layout._MeshLayout
    torch.nested._internal.nested_tensor.NestedTensor torch.nested._internal.nested_tensor._rebuild_njt
    """.split()
)
"""What torch 2.13 adds to its own list as it is imported."""

ALLOWED: frozenset[str] = STORAGES | BARE_STORAGES | TENSOR_TYPES | DTYPES | SCHEMES | REBUILD | PLAIN_CALLS | REGISTERED
NO_CALL: frozenset[str] = STORAGES | DTYPES | SCHEMES
"""Allowed to be named, and no functions: torch puts stand-ins or plain values in their place."""

IMPORTED_FIRST: dict[str, str] = {"torch._dynamo.decorators._DimRange": "torch.nested and torch._dynamo"} | dict.fromkeys(
    """
    torch.distributed.device_mesh.DeviceMesh torch.distributed.tensor._dtensor_spec.DTensorSpec
    torch.distributed.tensor._dtensor_spec.TensorMeta torch.distributed.tensor.DTensor
    torch.distributed.tensor.placement_types.Partial torch.distributed.tensor.placement_types.Replicate
    torch.distributed.tensor.placement_types.Shard
    """.split(),
    "torch.distributed.tensor",
)
BLOCKED_MODULES = ("sys", "os", "posix", "nt")

_MODULES = {
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "Queue": "queue",
    "repr": "reprlib",
    "_abcoll": "collections.abc",
    "UserDict": "collections",
    "UserList": "collections",
    "UserString": "collections",
    "whichdb": "dbm",
    "StringIO": "io",
    "cStringIO": "io",
}
_NAMES = {
    "__builtin__.xrange": "builtins.range",
    "__builtin__.reduce": "functools.reduce",
    "__builtin__.intern": "sys.intern",
    "__builtin__.unichr": "builtins.chr",
    "__builtin__.unicode": "builtins.str",
    "__builtin__.long": "builtins.int",
    "itertools.izip": "builtins.zip",
    "itertools.imap": "builtins.map",
    "itertools.ifilter": "builtins.filter",
    "itertools.ifilterfalse": "itertools.filterfalse",
    "itertools.izip_longest": "itertools.zip_longest",
    "UserDict.IterableUserDict": "collections.UserDict",
    "UserList.UserList": "collections.UserList",
    "UserString.UserString": "collections.UserString",
    "__builtin__.basestring": "builtins.str",
    "exceptions.StandardError": "builtins.Exception",
    "UserDict.UserDict": "collections.UserDict",
}


def renamed(name: str) -> str:
    """The name torch looks up for one that the stream holds."""
    if name in _NAMES:
        return _NAMES[name]
    module, _, attribute = name.rpartition(".")
    return f"{_MODULES.get(module, module)}.{attribute}"
