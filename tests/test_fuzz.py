"""Whatever options say, and whatever bytes stand in the files of a run: an answer, or one sentence."""

import functools
import hashlib
import io
import json
import os
import pickle
import shutil
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stde_pdes import Training, load
from stde_pdes.options import parse_training
from stde_pdes.report.page import write_report
from stde_pdes.runs.checkpoint import read_checkpoint, write_checkpoint
from stde_pdes.runs.files import read_metrics, read_result, read_run, write_json
from stde_pdes.runs.load import first_network, write_model
from stde_pdes.runs.record import write_record
from stde_pdes.runs.setup import Options, prepare
from stde_pdes.training import start_of

FILES = ("run.json", "metrics.jsonl", "result.json", "checkpoint.eqx", "model.eqx")
QUICK = Options(steps=4, model=("width=4", "depth=1"), training=("batch=3", "test_points=20"))


def many(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


# --- options

TEXTS = st.text(max_size=8) | st.sampled_from(
    ["", "none", "on", "nan", "-inf", "1e400", "0x3", "\0", "ü=", "٣"]
)
NUMBERS = st.sampled_from([-3, 0, 1, 3, 8, 2**31, 10**30]) | st.floats()
NAMES = st.sampled_from(
    [
        *("dim", "horizon", "c", "sigma", "r", "solution", "alpha", "sigma_squared", "width", "depth"),
        *("activation", "norm", "scale", "num_frequencies", "block_size", "num_samples", "sampler"),
        *("sampler.replace", "sampler.probabilities", "chunk_size", "batch", "learning_rate", "schedule"),
        *("lbfgs", "lbfgs.steps", "causal.strength", "gauss_newton.damping", "resampling", "unbiased"),
        *("test_points", "matmul_precision", "lbfgs.steps.x", "", ".", "..", "__class__", "self"),
    ]
)
VALUES = NUMBERS.map(str) | TEXTS | st.sampled_from(["soliton", "lump", "gaussian", "tanh", "cosine", "true"])
OPTIONS = st.lists(st.builds("{}={}".format, NAMES | TEXTS, VALUES) | TEXTS, max_size=2).map(tuple)
PROBLEMS = st.sampled_from(["kdv", "g-kdv", "kp", "hjb-lin", "black-scholes-barenblatt", "wave"]) | TEXTS


def in_one_sentence(call, *arguments, **fields):
    """What a call returns; None where it refuses, which needs to be in a line that can be printed."""
    try:
        return call(*arguments, **fields)
    except (ValueError, TypeError) as error:
        assert str(error).isprintable() and str(error), repr(error)
        return None


@many(40)
@given(
    name=PROBLEMS,
    seed=st.integers() | st.just(0),
    options=st.builds(
        Options,
        dim=st.none() | st.sampled_from([-1, 0, 1, 4, 2**31, 10**30]),
        steps=st.none() | st.integers(),
        estimator_name=st.none() | st.sampled_from(["exact", "stde", "sdgd", "hutchinson"]) | TEXTS,
        model_name=st.none() | st.sampled_from(["mlp", "residual", "fourier", "block-shared"]) | TEXTS,
        gpinn_weight=st.none() | st.floats(),
        precision=st.none() | st.sampled_from(["float32", "float64", "bfloat16"]) | TEXTS,
        problem=OPTIONS,
        estimator=OPTIONS,
        model=OPTIONS,
        training=OPTIONS,
    ),
)
def test_any_options_make_a_setup_or_a_sentence(unchecked, name, seed, options):
    setup = in_one_sentence(prepare, name, seed, options)
    if setup is not None:
        json.dumps(setup.describe())


@many(100)
@given(options=OPTIONS)
def test_any_options_are_parsed_or_refused_in_a_sentence(unchecked, options):
    in_one_sentence(lambda: parse_training(options, Training()))


# --- files


@pytest.fixture(scope="module")
def setup():
    return prepare("kdv", 0, QUICK)


@pytest.fixture(scope="module")
def network(setup):
    return first_network(setup, None)


@pytest.fixture(scope="module")
def like(setup, network):
    """What a checkpoint is compared with."""
    return lambda place: start_of(setup.problem, network, setup.training, place)


@pytest.fixture(scope="module")
def whole(setup, network, tmp_path_factory):
    """The directory of a finished run, which nobody had to wait for."""
    directory = tmp_path_factory.mktemp("whole") / "run"
    directory.mkdir()
    record = write_record(directory, setup, None, None)
    write_checkpoint(
        directory, start_of(setup.problem, network, setup.training), record["environment"]["versions"]
    )
    numbers = dict.fromkeys(("relative_l1", "relative_l2", "trivial_relative_l2", "seconds"), 0.5)
    line = {"step": 1, "loss": 2.0, "seconds": 0.1, "steps_per_second": 10.0}
    (directory / "metrics.jsonl").write_text(json.dumps(line) + "\n" + json.dumps(line | {"step": 2}) + "\n")
    result = numbers | {"steps": 4, "steps_per_second": 10.0, "peak_memory_mb": 100.0}
    write_json(directory, "result.json", result | {"model_sha256": write_model(directory, network, {})})
    return directory


def contents(directory):
    return {path: path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def versions_of(whole):
    return json.loads((whole / "run.json").read_text())["environment"]["versions"]


def read_all(directory, whole, like):
    """Whatever reads files, reads them; what is refused is told in a sentence, and no file changes."""
    before = contents(directory.parent)
    for call in (read_run, read_metrics, read_result, load):
        in_one_sentence(call, directory)
    in_one_sentence(read_checkpoint, directory, versions_of(whole), like)
    assert contents(directory.parent) == before
    page = in_one_sentence(write_report, directory)
    if page is not None:
        assert page == directory / "report.html"
        page.unlink()
        (directory / "curves.png").unlink(missing_ok=True)
    assert contents(directory.parent) == before


def renewed(whole, tmp_path):
    """The run as it was, beside what one would not want to be written over."""
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    (tmp_path / "mine").write_text("mine")
    return shutil.copytree(whole, tmp_path / "run")


def seal(directory):
    """Makes the digests those of what is there, so that what is inside is read too."""
    path = directory / "checkpoint.eqx"
    inside = path.read_bytes()[:-32]
    path.write_bytes(inside + hashlib.sha256(inside).digest())
    result = json.loads((directory / "result.json").read_text())
    digest = hashlib.sha256((directory / "model.eqx").read_bytes()).hexdigest()
    (directory / "result.json").write_text(json.dumps(result | {"model_sha256": digest}))


PLACES = st.floats(0, 1)
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "replace"]), PLACES, st.binary(min_size=1, max_size=12)
    ),
    min_size=1,
    max_size=3,
)


def mutated(content, mutations):
    for kind, place, new in mutations:
        at = int(place * len(content))
        if kind == "flip" and content:
            at = min(at, len(content) - 1)
            content = content[:at] + bytes([content[at] ^ (1 << new[0] % 8)]) + content[at + 1 :]
        elif kind == "cut":
            content = content[:at]
        else:
            content = content[:at] + new + content[at + (len(new) if kind == "replace" else 0) :]
    return content


@many(60)
@given(name=st.sampled_from(FILES), mutations=MUTATIONS, sealed=st.booleans())
def test_any_bytes_are_read_or_refused_and_harm_nothing(
    name, mutations, sealed, whole, like, tmp_path, unchecked
):
    directory = renewed(whole, tmp_path)
    (directory / name).write_bytes(mutated((directory / name).read_bytes(), mutations))
    if sealed and name.endswith(".eqx"):
        seal(directory)
    read_all(directory, whole, like)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
HOSTILE = (
    LEAVES
    | st.sampled_from([2**63, -1, 10**400, 1e308, "\x1b[31m\n", "../../x", "/etc/passwd", "\ud800"])
    | st.lists(LEAVES | st.lists(LEAVES, max_size=2), max_size=3)
    | st.dictionaries(st.text(max_size=5), LEAVES | st.lists(LEAVES, max_size=2), max_size=3)
    | st.just(functools.reduce(lambda inner, _: [inner], range(400), []))
)


@st.composite
def misfits(draw, record):
    """The record with one value, at whatever depth, replaced by another one."""
    name = draw(st.sampled_from(sorted(record)))
    part = record[name]
    if isinstance(part, dict) and part and draw(st.booleans()):
        return record | {name: draw(misfits(part))}
    return record | {name: draw(HOSTILE)}


@many(60)
@given(data=st.data(), name=st.sampled_from(["run.json", "result.json", "metrics.jsonl", "checkpoint.eqx"]))
def test_any_values_are_read_or_refused_and_harm_nothing(data, name, whole, like, tmp_path, unchecked):
    directory = renewed(whole, tmp_path)
    if name.endswith(".json"):
        record = data.draw(misfits(json.loads((whole / name).read_text())))
        (directory / name).write_text(json.dumps(record))
    else:
        first, rest = (whole / name).read_bytes().split(b"\n", 1)
        record = data.draw(misfits(json.loads(first)))
        (directory / name).write_bytes(json.dumps(record).encode() + b"\n" + rest)
        seal(directory)
    read_all(directory, whole, like)


# --- arrays that are not what they seem


class Malice:
    """Unpickled, it makes a directory."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def header(descr, shape, more=b""):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode() + more + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def npz(path):
    archive = io.BytesIO()
    np.savez(archive, a=np.array([Malice(path)]))
    return archive.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


ARRAYS = {
    "pickle in an array": lambda path: npy(np.array([Malice(path)])),
    "pickle in as many objects": lambda path: npy(np.array([[Malice(path)] * 2] * 4)),
    "bare pickle": lambda path: pickle.dumps(Malice(path)),
    "pickle in an archive": npz,
    "giant": lambda path: header("'<f8'", (2**31,)),
    "giant in the right number": lambda path: header("('<f8', (4096, 4096, 64))", (4, 2)),
    "negative": lambda path: header("'<f8'", (-4, -2)),
    "more than there is": lambda path: header("'<f8'", (2**62, 2**62)),
    "long text": lambda path: header("'<U100000000'", ()),
    "code": lambda path: header(f"__import__('os').mkdir({str(path)!r})", ()),
    "deep": lambda path: header("(" * 5000, ()),
    "minus": lambda path: header("-" * 9000 + "1", ()),
    "version 2": lambda path: b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{",
    "zeros": lambda path: bytes(100),
}


@pytest.mark.parametrize("make", ARRAYS.values(), ids=ARRAYS)
def test_hostile_arrays_are_refused_unread(make, whole, like, tmp_path):
    directory, planted = renewed(whole, tmp_path), tmp_path / "planted"
    first, rest = (directory / "checkpoint.eqx").read_bytes().split(b"\n", 1)
    (directory / "checkpoint.eqx").write_bytes(first + b"\n" + make(planted) + rest)
    (directory / "model.eqx").write_bytes(make(planted))
    seal(directory)
    before = contents(tmp_path)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"model\.eqx` is damaged: "):
        load(directory)
    with pytest.raises(ValueError, match=r"checkpoint\.eqx` does not fit this run \("):
        read_checkpoint(directory, versions_of(whole), like)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not planted.exists() and contents(tmp_path) == before and peak < 2**26


def test_a_record_of_a_larger_network_reserves_no_memory_for_it(whole, tmp_path):
    directory = renewed(whole, tmp_path)
    record = json.loads((directory / "run.json").read_text())
    record["model"] |= {"width": 400_000, "depth": 2}  # 1 TB
    record["options"]["model"] = ["width=400000", "depth=2"]
    (directory / "run.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"an array is .*\[4, 2\] where .*\[400000, 2\] is expected"):
        load(directory)
