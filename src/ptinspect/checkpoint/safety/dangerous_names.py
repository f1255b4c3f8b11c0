"""Known ways to run, reach, read or write something, from the deny lists and advisories that others paid for.

A module stands here whole where everything in it is such a way, its submodules too (S-19). That is no allow list: what is not found
is `code`, and `code` is never called safe. Modules whose names projects also use for their own files (test, code, trace...) are listed
function by function, or `test.Net` of somebody's test.py would raise an alarm.
"""

from __future__ import annotations

MODULES: frozenset[str] = frozenset(
    """
    os posix nt subprocess _posixsubprocess pty popen2 sys ctypes _ctypes _cffi_backend cffi socket _socket ssl _ssl socketserver
    http httplib urllib urllib2 urllib3 requests aiohttp httpx websocket websockets ftplib smtplib smtpd poplib imaplib nntplib
    telnetlib xmlrpc xmlrpclib webbrowser asyncio multiprocessing _multiprocessing importlib importlib_metadata _frozen_importlib
    _frozen_importlib_external _imp imp pkgutil zipimport runpy codeop marshal pickle _pickle cPickle shelve dbm gc linecache
    difflib pdb bdb cProfile _lsprof timeit pydoc doctest ensurepip venv pip idlelib lib2to3 _aix_support _osx_support _pyrepl
    distutils shutil tempfile filecmp fileinput glob mmap select selectors syslog zipfile tarfile sqlite3 _sqlite3 compileall
    py_compile zipapp atexit signal _signal pipes _interpreters _xxsubinterpreters _testcapi _testinternalcapi _winapi winreg
    _winreg msvcrt pwd grp spwd fcntl termios tty readline rlcompleter modulefinder pyclbr cgi cgitb turtledemo tkinter _tkinter
    antigravity wsgiref mailbox mailcap asyncore asynchat curses faulthandler logging.handlers logging.config test.support
    test.libregrtest test.regrtest unittest.main unittest.loader concurrent.futures.process IPython ipykernel pexpect ptyprocess
    setuptools._distutils plumbum paramiko fabric boto3 botocore fsspec s3fs psutil pyximport
    numpy.f2py numpy.distutils numpy.testing numpy.ctypeslib
    numpy.lib.npyio numpy.lib._npyio_impl numpy.lib._datasource numpy.lib.format numpy.lib._format_impl torch._numpy.testing
    pandas.io pandas.core.computation scipy.io torch._inductor torch.hub torch.utils.cpp_extension torch.utils.collect_env
    torch.utils.bottleneck torch.utils.model_zoo torch.utils._config_module torch.utils.data.datapipes.utils.decoder
    torch.utils.show_pickle torch.multiprocessing torch.package torch.distributed.rpc torch.distributed.run torch.distributed.launch
    torch.distributed.elastic torch.jit.unsupported_tensor_ops torch.jit._serialization torch._dynamo.guards torchvision.io
    torchvision.datasets.utils
    """.split()
)

_NAMED: dict[str, str] = {
    "builtins": (
        "eval exec execfile compile __import__ open file input raw_input breakpoint apply reload setattr delattr hasattr vars globals"
        " locals dir help exit quit __build_class__ __loader__ __spec__"
    ),
    "pickle": "load loads Unpickler _load _loads _Unpickler",
    "io": "FileIO open open_code OpenWrapper",
    "_io": "FileIO open open_code",
    "_pyio": "FileIO open open_code OpenWrapper",
    "codecs": "open",
    "bz2": "open BZ2File",
    "gzip": "open GzipFile",
    "lzma": "open LZMAFile",
    "tokenize": "open main",
    "token": "main",
    "copyreg": "add_extension pickle constructor remove_extension",
    "types": "CodeType FunctionType LambdaType ModuleType",
    "inspect": (
        "getsource getsourcelines getsourcefile getmembers get_annotations getattr_static getmodule currentframe stack getclosurevars"
    ),
    "code": "InteractiveInterpreter InteractiveConsole interact compile_command",
    "commands": "getoutput getstatusoutput getstatus mk2arg",
    "profile": "run runctx Profile main",
    "trace": "Trace main",
    "site": "addsitedir addpackage execsitecustomize execusercustomize main",
    "platform": "popen _popen _syscmd_file _syscmd_uname _syscmd_ver",
    "logging": "FileHandler basicConfig",
    "threading": "Thread Timer",
    "thread": "start_new_thread start_new",
    "_thread": "start_new_thread start_new start_joinable_thread",
    "dataclasses": "make_dataclass _create_fn",
    "typing": "get_type_hints _eval_type ForwardRef._evaluate",
    "warnings": "_setoption _getcategory",
    "weakref": "finalize",
    "argparse": "FileType",
    "gettext": "translation install",
    "getpass": "getpass getuser",
    "netrc": "netrc",
    "xml.etree.ElementTree": "parse iterparse",
    "xml.sax": "parse",
    "xml.dom.minidom": "parse",
    "unittest": "main TestProgram",
    "uuid": (
        "_get_command_stdout _popen getnode _ifconfig_getter _ip_getter _arp_getter _lanscan_getter _netstat_getter _find_mac"
        " _ipconfig_getter"
    ),
    "yaml": "load load_all unsafe_load unsafe_load_all full_load Loader UnsafeLoader",
    "joblib": "load dump",
    "joblib.numpy_pickle": "load dump",
    "dill": "load loads dump load_module load_session dump_session",
    "dill._dill": (
        "load loads dump _create_function _create_code _import_module _getattribute _eval_repr _create_cell _get_attr _create_ftype"
        " _create_filehandle _create_stringi _create_stringo _create_lock load_session"
    ),
    "cloudpickle": "load loads dump subimport",
    "cloudpickle.cloudpickle": (
        "_make_function _make_skel_func _fill_function _function_setstate _builtin_type _make_cell _make_empty_cell subimport"
        " dynamic_subimport _gen_ellipsis load loads"
    ),
    "cloudpickle.cloudpickle_fast": "_make_function _function_setstate load loads dump",
    "numpy": "load save savez savez_compressed savetxt loadtxt genfromtxt fromfile fromregex DataSource tofile dump source safe_eval",
    "numpy.ndarray": "tofile dump",
    "numpy.core.multiarray": "fromfile",
    "numpy._core.multiarray": "fromfile",
    "numpy.core._multiarray_umath": "fromfile",
    "numpy._core._multiarray_umath": "fromfile",
    "numpy.lib.utils": "safe_eval source lookfor info",
    "pandas": "eval ExcelFile ExcelWriter HDFStore",
    "torch": "load save from_file compile import_ir_module",
    "torch.serialization": "load save _load _legacy_load _open_file_like _open_file add_safe_globals",
    "torch.jit": "load save CompilationUnit load_flatbuffer",
    "torch.jit._script": "ScriptModule.save",
    "torch.export": "load save",
    "torch.ops": "load_library",
    "torch._ops": "_Ops.load_library",
    "torch.classes": "load_library",
    "torch.UntypedStorage": "from_file",
    "torch.storage.UntypedStorage": "from_file _new_with_file",
    "torch.fx.graph_module": "_forward_from_src _exec_with_source",
    "torch.fx.experimental.symbolic_shapes": "ShapeEnv.evaluate_guards_expression ShapeEnv.evaluate_guards_for_args",
    "torch.distributed.distributed_c10d": "_tensor_to_object",
    "torch.testing._internal.common_utils": "shell run_tests subprocess",
    "torch.utils.tensorboard.writer": "SummaryWriter",
    "pkg_resources": "run_script load_entry_point require run_main",
    "setuptools": "setup",
    "setuptools.sandbox": "run_setup DirectorySandbox",
    "huggingface_hub": "hf_hub_download snapshot_download upload_file upload_folder HfApi login",
    "huggingface_hub.file_download": "hf_hub_download http_get",
    "mlflow.projects.backend.local": "_run_entry_point",
    "PIL.Image": "open",
    "cv2": "imread imwrite VideoCapture VideoWriter",
    "sympy": "sympify lambdify parse_expr",
    "sympy.core.sympify": "sympify",
    "sympy.parsing.sympy_parser": "parse_expr eval_expr",
    "sympy.utilities.lambdify": "lambdify",
    "numexpr": "evaluate",
    "jinja2": "Template Environment",
    "jinja2.environment": "Template Environment",
    "tensorflow": "load_library load_op_library",
    "tensorflow.io": "read_file write_file",
    "tensorflow.raw_ops": "ReadFile WriteFile",
    "transformers.dynamic_module_utils": "get_class_from_dynamic_module get_class_in_module get_cached_module_file",
}
for _path in "Path PosixPath WindowsPath".split():
    _NAMED[f"pathlib.{_path}"] = (
        "open read_text read_bytes write_text write_bytes touch mkdir rmdir unlink rename replace chmod lchmod symlink_to hardlink_to"
        " link_to iterdir glob rglob"
    )
_NAMED["__builtin__"] = _NAMED["builtins"]
_NAMED["copy_reg"] = _NAMED["copyreg"]

NAMES: frozenset[str] = frozenset(f"{module}.{name}" for module, names in _NAMED.items() for name in names.split())

EXCEPTIONS: frozenset[str] = frozenset(
    """
    os.stat_result posix.stat_result nt.stat_result os.terminal_size os.PathLike os.fspath sys.version_info sys.intern
    http.cookiejar.CookieJar http.cookies.SimpleCookie http.HTTPStatus signal.Signals socket.AddressFamily socket.SocketKind
    distutils.version.LooseVersion distutils.version.StrictVersion pip._vendor.packaging.version.Version urllib.parse.ParseResult
    urllib.parse.SplitResult subprocess.CompletedProcess subprocess.CalledProcessError requests.structures.CaseInsensitiveDict
    """.split()
)
"""Plain results and enumerations that live in dangerous modules: named by honest files, and nothing runs."""

CALLED_ONLY: frozenset[str] = frozenset("numpy.memmap numpy.core.memmap.memmap numpy._core.memmap.memmap".split())
"""Classes that open a file when called, and that honest arrays merely name as their type."""

ATTRIBUTES: frozenset[str] = frozenset(
    """
    system popen popen2 popen3 popen4 Popen check_output check_call getoutput getstatusoutput startfile posix_spawn posix_spawnp
    fork forkpty execl execle execlp execlpe execv execve execvp execvpe spawnl spawnle spawnlp spawnlpe spawnv spawnve spawnvp
    spawnvpe spawnv_passfds urlopen urlretrieve rmtree import_module execfile runcode runcommand runsource run_module run_path
    run_cell resolve_name write_text write_bytes symlink_to hardlink_to unlink rmdir exec _run_entry_point runstring load_module
    exec_module
    """.split()
)
"""Last parts of a name that mean danger wherever they are found: modules re-export what they import (S-11)."""

REACHING: frozenset[str] = frozenset(
    """
    __builtins__ __globals__ __subclasses__ __code__ __closure__ __dict__ __class__ __bases__ __base__ __mro__ __getattribute__
    __getattr__ __loader__ __spec__ __import__ __reduce__ __reduce_ex__ __setattr__ __delattr__ __self__ __func__ __defaults__
    __kwdefaults__ __init_subclass__ __getstate__ __setstate__ f_globals f_locals f_builtins f_back gi_frame gi_code cr_frame
    ag_frame tb_frame func_globals func_code im_func im_self
    """.split()
)
"""Attributes that lead from any object to everything else."""

SUFFIX_MODULES: frozenset[str] = frozenset("os sys posix nt subprocess builtins importlib ctypes shutil runpy".split())
"""Modules that others import, so that `pathlib.os.system` and `tempfile._os` reach them."""

SUFFIX_OWNERS: frozenset[str] = frozenset("io pickle cPickle torch numpy joblib yaml dill cloudpickle".split())
"""Modules whose listed functions are also looked for behind another module's name."""
