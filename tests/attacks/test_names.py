"""Names that run, reach, read or write something, and names that only look like it."""

from __future__ import annotations

import pytest

from tests.attacks.payloads import P4, call, name, parsed, pickled, short, text, verdicts

DANGEROUS = """
pip.main runpy._run_code runpy.run_path cProfile.run cProfile.runctx profile.run profile.Profile.run trace.Trace.run timeit.timeit
doctest.debug_script ensurepip._run_pip idlelib.autocomplete.AutoComplete.get_entity idlelib.calltip.get_entity
idlelib.run.Executive.runcode lib2to3.pgen2.grammar.Grammar.loads lib2to3.pgen2.pgen.ParserGenerator.make_label uuid._get_command_stdout
_aix_support._read_cmd_output _osx_support._read_output _pyrepl.pager.pipe_pager imaplib.IMAP4_stream
asyncio.unix_events._UnixSubprocessTransport._start asyncio.create_subprocess_shell pkgutil.resolve_name pydoc.locate pydoc.pipepager
pty.spawn ctypes.CDLL ctypes.util.find_library marshal.loads types.CodeType types.FunctionType cloudpickle.cloudpickle._make_function
cloudpickle.cloudpickle.subimport cloudpickle.cloudpickle._builtin_type numpy.f2py.crackfortran.getlincoef torch.utils.collect_env.run
torch._inductor.codecache.compile_file torch._dynamo.guards.GuardBuilder.get torch.jit.unsupported_tensor_ops.execWrapper
torch.utils.bottleneck.__main__.run_cprofile linecache.getline difflib.unified_diff gc.get_objects imp.load_source pipes.Template
_interpreters.run_string multiprocessing.util.spawnv_passfds mlflow.projects.backend.local._run_entry_point pandas.read_csv
pandas.read_pickle numpy.testing._private.utils.runstring numpy.load torch.load torch.serialization.load torch.hub.load joblib.load
pickle.loads _pickle.loads dill.loads os.system posix.system nt.system subprocess.Popen commands.getoutput sys.exit builtins.eval
builtins.exec builtins.compile builtins.open builtins.__import__ builtins.setattr builtins.globals builtins.breakpoint __builtin__.eval
__builtin__.execfile __builtin__.apply __builtin__.file __builtin__.reload importlib.import_module shutil.rmtree
socket.create_connection httplib.HTTPSConnection http.client.HTTPSConnection urllib.request.urlopen requests.api.get
aiohttp.client.ClientSession webbrowser.open venv.create bdb.Bdb.run pdb.run code.InteractiveInterpreter.runcode
ssl.get_server_certificate smtplib.SMTP ftplib.FTP telnetlib.Telnet _io.FileIO io.open io.FileIO logging.FileHandler
logging.config.dictConfig distutils.file_util.write_file tempfile.mkstemp pathlib.Path.write_text pathlib.PosixPath.unlink codecs.open
gzip.open zipfile.ZipFile test.support.script_helper.assert_python_ok typing.get_type_hints dataclasses.make_dataclass sympy.sympify
numpy.fromfile numpy.savetxt torch.utils._config_module.ConfigModule.load_config torch.utils.data.datapipes.utils.decoder.basichandlers
torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression threading.Thread sqlite3.connect mmap.mmap yaml.unsafe_load
"""

BENIGN = """
ultralytics.nn.tasks.DetectionModel ultralytics.nn.modules.block.C2f transformers.training_args.TrainingArguments
transformers.trainer_utils.HubStrategy timm.models.resnet.ResNet omegaconf.dictconfig.DictConfig omegaconf.base.ContainerMetadata
typing.Any pandas.core.frame.DataFrame pandas.core.internals.managers.BlockManager pandas._libs.internals._unpickle_block
pandas.core.indexes.base._new_Index sklearn.preprocessing._data.StandardScaler torch.nn.modules.linear.Linear
torch.nn.modules.container.Sequential torch.nn.functional.relu torch._dynamo.eval_frame.OptimizedModule
fairseq.data.dictionary.Dictionary lightning.pytorch.utilities.parsing.AttributeDict
pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint numpy.random._pickle.__randomstate_ctor
numpy.random._pickle.__generator_ctor numpy.random._mt19937.MT19937 joblib.numpy_pickle.NumpyArrayWrapper e3nn.o3._irreps.Irreps
torch_geometric.data.data.Data functools.partial torch.optim.lr_scheduler.LambdaLR torch.optim.adamw.AdamW enum.Enum __main__.Net
__mp_main__.Net test.Net code.models.Net trace.MyNet profile.config.Config models.common.Conv utils.os_tools.Thing logging.getLogger
logging.Logger torch._C.Generator torch.distributed.fsdp.FullyShardedDataParallel torch.utils.data.dataset.Dataset
torch.jit._script.RecursiveScriptModule distutils.version.LooseVersion packaging.version.Version
pkg_resources.extern.packaging.version.Version signal.Signals inspect._empty inspect.Parameter torch.torch_version.TorchVersion
collections.UserDict collections.ChainMap numpy.ufunc numpy.poly1d scipy.sparse._csr.csr_matrix types.MethodType io.BytesIO _io.BytesIO
detectron2.config.config.CfgNode mmengine.config.config.ConfigDict wandb.sdk.wandb_config.Config os.stat_result
zoneinfo.ZoneInfo._unpickle builtins.print builtins.type builtins.map builtins.ValueError operator.add operator.mul re._compile
string.Template random.Random weakref.WeakKeyDictionary torch_package_user.Dummy signal_processing.Model osgeo.Thing system.models.Net
"""
PLAIN = """
collections.OrderedDict collections.defaultdict collections.Counter collections.deque builtins.set __builtin__.set builtins.bytearray
builtins.complex builtins.slice builtins.range __builtin__.xrange decimal.Decimal fractions.Fraction datetime.datetime datetime.timezone
pathlib.PosixPath pathlib.WindowsPath argparse.Namespace _codecs.encode numpy.core.multiarray._reconstruct numpy._core.multiarray.scalar
numpy.dtype numpy.ndarray numpy.float32 numpy.dtypes.Float64DType numpy._core.numeric._frombuffer torch.FloatStorage
torch.cuda.HalfStorage torch.storage.UntypedStorage torch.bfloat16 torch.float8_e4m3fn torch.Size torch.device
torch._utils._rebuild_tensor_v2 torch._utils._rebuild_xla_tensor torch._tensor._rebuild_from_type_v2 torch.nn.parameter.Parameter
torch.serialization._get_layout torch.per_channel_affine torch.jit._pickle.build_intlist torch.jit._pickle.restore_type_tag
copy_reg._reconstructor copyreg.__newobj__ torch.storage._load_from_bytes torch.cuda.sparse.FloatTensor uuid.UUID
"""


def spelled(full: str) -> tuple[str, str]:
    module, _, attribute = full.rpartition(".")
    return module, attribute


@pytest.mark.parametrize("full", DANGEROUS.split())
def test_that_a_name_no_deny_list_had_is_dangerous(full: str) -> None:
    """S-09, S-10: every name once called and once only named, by both instructions."""
    module, attribute = spelled(full)
    called, _ = parsed(pickled(call(module, attribute, text("x"))))
    named, _ = parsed(pickled(short(module) + short(attribute) + b"\x93", P4))
    assert (verdicts(called)[full], verdicts(named)[full]) == ("dangerous", "dangerous")
    assert called.verdict == "dangerous"
    assert called.effects


@pytest.mark.parametrize("full", BENIGN.split())
def test_that_a_class_of_an_honest_library_is_code_and_no_alarm(full: str) -> None:
    """S-36: false alarms are counted, and there are none."""
    module, attribute = spelled(full)
    safety, _ = parsed(pickled(name(module, attribute) + b")\x81}b"))
    assert verdicts(safety)[full] == "code"
    assert [finding for finding in safety.findings if finding.severity in ("warning", "danger")] == []


@pytest.mark.parametrize("full", PLAIN.split())
def test_that_a_name_which_describes_plain_data_is_data(full: str) -> None:
    module, attribute = spelled(full)
    safety, _ = parsed(pickled(name(module, attribute)))
    assert safety.verdict == "data"
    assert safety.effects == ()


@pytest.mark.parametrize("full", ["numpy.nothing_that_is_known", "torch.nothing", "collections.abc.Mapping", "builtins.nothing"])
def test_that_a_prefix_allows_nothing(full: str) -> None:
    """S-08: allowed by full name, never by prefix."""
    safety, _ = parsed(pickled(name(*spelled(full))))
    assert safety.verdict == "code"
