"""Names that describe plain data, each by its full name: what torch, numpy and Python need to write values.

Enumerated from torch 2.13 (its weights_only reader's table, its dtypes, layouts, schemes, rebuild functions) and numpy 1 and 2, with
the older spellings that files of torch 0.1 and Python 2 hold. Never a prefix: numpy.testing holds a synonym of exec (S-08).
`_reconstructor` and `__newobj__` are plain because the class they make an empty instance of is named beside them.
"""

from __future__ import annotations


def _each(module: str, names: str) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for name in names.split())


_LEGACY = "Double Float Half BFloat16 Byte Char Short Int Long Bool ComplexDouble ComplexFloat QInt8 QInt32 QUInt8 QUInt4x2 QUInt2x4"
_STORAGES = " ".join(f"{kind}Storage" for kind in _LEGACY.split())
_TENSORS = " ".join(f"{kind}Tensor" for kind in _LEGACY.split()[:10])

_DTYPES = """
float16 float32 float64 bfloat16 complex32 complex64 complex128 half float double cfloat cdouble chalf bool
uint8 uint16 uint32 uint64 int8 int16 int32 int64 short int long qint8 quint8 qint32 quint4x2 quint2x4
bits8 bits16 bits1x8 bits2x4 bits4x2 bit uint1 uint2 uint3 uint4 uint5 uint6 uint7 int1 int2 int3 int4 int5 int6 int7
float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2
"""
_MARKS = """
strided sparse_coo sparse_csr sparse_csc sparse_bsr sparse_bsc jagged _mkldnn
contiguous_format channels_last channels_last_3d preserve_format legacy_contiguous_format
per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric per_channel_affine_float_qparams
Size Tensor device dtype layout memory_format qscheme
"""
_REBUILD = """
_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor
_rebuild_sparse_tensor _rebuild_sparse_csr_tensor _rebuild_nested_tensor _rebuild_meta_tensor_no_storage _rebuild_wrapper_subclass
_rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor _rebuild_xla_tensor _rebuild_buffer
"""

_TORCH = (
    _each("torch", f"{_STORAGES} {_TENSORS} {_DTYPES} {_MARKS} Storage TypedStorage UntypedStorage")
    | _each("torch.cuda", f"{_STORAGES} {_TENSORS}")
    | _each("torch.sparse", _TENSORS)
    | _each("torch.cuda.sparse", _TENSORS)
    | _each("torch.storage", "TypedStorage UntypedStorage _TypedStorage _UntypedStorage _LegacyStorage _load_from_bytes")
    | _each("torch._utils", _REBUILD)
    | _each("torch._tensor", "Tensor _rebuild_from_type _rebuild_from_type_v2")
    | _each("torch.tensor", "Tensor _rebuild_from_type _rebuild_from_type_v2")
    | _each("torch.nn.parameter", "Parameter Buffer UninitializedParameter UninitializedBuffer")
    | _each("torch.serialization", "_get_layout")
    | _each("torch.jit._pickle", "build_intlist build_tensorlist build_doublelist build_boollist build_tensor_from_id restore_type_tag")
    | _each("torch.nested._internal.nested_tensor", "NestedTensor _rebuild_njt")
    | _each("torch._dynamo.decorators", "_DimRange")
    | _each("torch.distributed._mesh_layout", "_FlatLayout _MeshLayout")
    | _each("torch.distributed.device_mesh", "DeviceMesh")
    | _each("torch.distributed.tensor", "DTensor")
    | _each("torch.distributed.tensor._dtensor_spec", "DTensorSpec TensorMeta")
    | _each("torch.distributed.tensor.placement_types", "Partial Replicate Shard")
)

_SCALARS = """
bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 float96 float128 complex64 complex128 complex192
complex256 longdouble clongdouble longlong ulonglong bytes_ str_ unicode_ string_ object_ void record datetime64 timedelta64
byte short intc int_ intp long ubyte ushort uintc uint uintp ulong half single double csingle cdouble cfloat float_ complex_
"""
_DTYPE_CLASSES = """
BoolDType ByteDType BytesDType CLongDoubleDType Complex128DType Complex64DType DateTime64DType Float16DType Float32DType Float64DType
Int16DType Int32DType Int64DType Int8DType IntDType LongDType LongDoubleDType LongLongDType ObjectDType ShortDType StrDType StringDType
TimeDelta64DType UByteDType UInt16DType UInt32DType UInt64DType UInt8DType UIntDType ULongDType ULongLongDType UShortDType VoidDType
"""
_NUMPY = _each("numpy", f"dtype ndarray {_SCALARS}") | _each("numpy.dtypes", _DTYPE_CLASSES)
for _core in ("numpy.core", "numpy._core"):
    _NUMPY |= _each(f"{_core}.multiarray", "_reconstruct scalar ndarray dtype")
    _NUMPY |= _each(f"{_core}._multiarray_umath", "_reconstruct scalar")
    _NUMPY |= _each(f"{_core}.numeric", "_frombuffer")
    _NUMPY |= _each(f"{_core}.records", "recarray record")
_NUMPY |= frozenset(f"numpy.dtype[{name}]" for name in _SCALARS.split())
_NUMPY |= _each("numpy.ma.core", "_mareconstruct MaskedArray") | _each("numpy.ma", "MaskedArray")
_NUMPY |= _each("numpy.rec", "recarray") | _each("numpy", "recarray matrix") | _each("numpy.matrixlib.defmatrix", "matrix")

_BUILTINS = """
bool int long float complex str unicode bytes bytearray list tuple dict set frozenset slice range xrange object Ellipsis NotImplemented
"""
_PATHS = "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath"

_STANDARD = (
    _each("builtins", _BUILTINS)
    | _each("__builtin__", _BUILTINS)
    | _each("collections", "OrderedDict defaultdict Counter deque")
    | _each("copyreg", "_reconstructor __newobj__ __newobj_ex__")
    | _each("copy_reg", "_reconstructor __newobj__ __newobj_ex__")
    | _each("_codecs", "encode")
    | _each("datetime", "datetime date time timedelta timezone")
    | _each("decimal", "Decimal")
    | _each("_pydecimal", "Decimal")
    | _each("fractions", "Fraction")
    | _each("pathlib", _PATHS)
    | _each("pathlib._local", _PATHS)
    | _each("argparse", "Namespace")
    | _each("types", "SimpleNamespace")
    | _each("uuid", "UUID SafeUUID")
)

PLAIN: frozenset[str] = _TORCH | _NUMPY | _STANDARD
