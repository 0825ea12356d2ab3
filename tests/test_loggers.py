"""Loggers: several at once, dropped when they raise, and the files that ours leave, read back."""

import importlib.util
import json
import struct
import sys

import pytest
from fake_distributions import FakeSite

import stde_pdes
from stde_core.plugins import registry
from stde_pdes import AbstractLogger, Loggers, get_logger, open_loggers

RUN = {"problem": "kdv", "training": {"steps": 30, "lbfgs": None}, "seed": 0}
LINES = [
    {"step": 10, "loss": 1.0, "seconds": 0.5, "steps_per_second": 20.0},
    {"step": 20, "loss": 0.5, "seconds": 1.0, "steps_per_second": 20.0, "relative_l2": 0.25},
    {"step": 30, "loss": 0.2, "seconds": 1.5, "steps_per_second": 20.0, "relative_error_origin": None},
]
RESULT = {"problem": "kdv", "steps": 30, "relative_l2": 0.125}


class Kept(AbstractLogger):
    """Keeps what it is told; fails in the method named."""

    def __init__(self, fails=None, error=None):
        self.told, self.fails, self.error = [], fails, error or RuntimeError("no\nspace left")

    def take(self, method, *told):
        self.told.append((method, *told))
        if method == self.fails:
            raise self.error

    def start(self, directory, run):
        self.take("start", directory, run)

    def record(self, metrics):
        self.take("record", metrics)

    def finish(self, result):
        self.take("finish", result)


def feed(loggers, directory, lines=LINES, result=RESULT):
    loggers.start(directory, RUN)
    for line in lines:
        loggers.record(line)
    loggers.finish(result)


def test_every_logger_is_told_everything(tmp_path):
    kept = {"one": Kept(), "two": Kept()}
    feed(Loggers(kept, pytest.fail), tmp_path, result=None)
    expected = [("start", tmp_path, RUN), *(("record", line) for line in LINES), ("finish", None)]
    assert kept["one"].told == kept["two"].told == expected


@pytest.mark.parametrize("method", ["start", "record", "finish"])
@pytest.mark.parametrize("error", [RuntimeError("no\nspace left"), SystemExit("no space left")])
def test_a_logger_that_raises_is_reported_once_and_dropped(method, error, tmp_path):
    said, bad, good = [], Kept(method, error), Kept()
    feed(Loggers({"bad": bad, "good": good}, said.append), tmp_path)
    assert len(good.told) == len(LINES) + 2 and bad.told[-1][0] == method
    assert [told[0] for told in bad.told].count(method) == 1
    assert said == [
        f"Logger `bad` failed and is dropped; the run goes on: {type(error).__name__}: no space left."
    ]


def test_an_interrupt_is_not_swallowed(tmp_path):
    loggers = Loggers({"bad": Kept("record", KeyboardInterrupt())}, pytest.fail)
    with pytest.raises(KeyboardInterrupt):
        loggers.record(LINES[0])


def test_a_logger_cannot_change_the_run(tmp_path):
    class Greedy(Kept):
        def start(self, directory, run):
            run["training"].clear()

        def record(self, metrics):
            metrics.clear()

    kept = Kept()
    feed(Loggers({"greedy": Greedy(), "kept": kept}, pytest.fail), tmp_path)
    assert kept.told[0][2] == RUN and kept.told[1][1] == LINES[0]
    assert RUN["training"] and LINES[0]


def test_no_loggers_do_nothing(tmp_path):
    feed(open_loggers([]), tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- by name


@pytest.fixture
def site(tmp_path, monkeypatch):
    yield FakeSite(tmp_path, monkeypatch)
    registry.cache_clear()


def test_a_logger_of_a_plugin_is_opened_once(site, tmp_path, capsys):
    registry.cache_clear()
    site.plugin(
        """
        import stde_pdes
        class Printing(stde_pdes.AbstractLogger):
            '''Says what it gets.'''
            def start(self, directory, run): print("start", run["problem"])
            def record(self, metrics): 1 / 0
            def finish(self, result): print("finish")
        @stde.hookimpl
        def stde_loggers():
            return {"printing": Printing, "wrong": lambda: 3}
        """
    )
    loggers = open_loggers(["printing", "printing"])
    feed(loggers, tmp_path)
    out, err = capsys.readouterr()
    assert out == "start kdv\n"
    assert err == (
        "Logger `printing` failed and is dropped; the run goes on: ZeroDivisionError: division by zero.\n"
    )
    with pytest.raises(TypeError, match=r"Logger 'wrong' needs to be a `stde_pdes.AbstractLogger`, got 3"):
        open_loggers(["wrong"])


def test_unknown_names_get_a_sentence():
    with pytest.raises(ValueError, match="Unknown logger 'tensorbord'; did you mean 'tensorboard'"):
        open_loggers(["tensorbord"])


@pytest.mark.parametrize(("name", "package"), [("tensorboard", "tensorboardX"), ("wandb", "wandb")])
def test_an_absent_package_is_named_with_its_extra(name, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)  # which makes its import fail
    with pytest.raises(ImportError) as error:
        get_logger(name)
    assert str(error.value) == f'Logger `{name}` needs stde[{name}]: `pip install "stde[{name}]"`.'


def test_ours_are_listed_without_their_packages():
    assert {"tensorboard", "wandb"} <= set(registry().names("loggers"))
    assert issubclass(registry().entry("loggers", "wandb").load(), stde_pdes.AbstractLogger)


# --- TensorBoard


def events(directory):
    """The events of all files in the order in which TensorBoard reads them: records of length, data, sums."""
    from tensorboardX.proto.event_pb2 import Event

    for path in sorted(directory.glob("events.out.tfevents.*")):
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            yield Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]


def scalars(directory):
    """The values by name and step; a session that starts at a step takes back what was there before."""
    found = {}
    for event in events(directory):
        if event.HasField("session_log"):
            found = {name: {s: v for s, v in at.items() if s < event.step} for name, at in found.items()}
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def texts(directory):
    return {
        value.tag.partition("/")[0]: value.tensor.string_val[0].decode()
        for event in events(directory)
        for value in event.summary.value
        if value.HasField("tensor")
    }


def test_tensorboard_reads_the_metrics(tmp_path):
    pytest.importorskip("tensorboardX")
    feed(Loggers({"tensorboard": get_logger("tensorboard")}, pytest.fail), tmp_path)
    assert scalars(tmp_path) == {
        "loss": {10: 1.0, 20: 0.5, 30: pytest.approx(0.2)},
        "seconds": {10: 0.5, 20: 1.0, 30: 1.5},
        "steps_per_second": {10: 20.0, 20: 20.0, 30: 20.0},
        "relative_l2": {20: 0.25},
    }
    assert json.loads(texts(tmp_path)["run"]) == RUN
    assert json.loads(texts(tmp_path)["result"]) == RESULT


@pytest.mark.parametrize("again", [True, False], ids=["another process", "a rollback"])
def test_tensorboard_forgets_the_steps_that_a_run_goes_back(again, tmp_path):
    pytest.importorskip("tensorboardX")
    loggers = Loggers({"tensorboard": get_logger("tensorboard")}, pytest.fail)
    back = [line | {"loss": 0.25} for line in LINES[1:]]
    if again:
        feed(loggers, tmp_path, result=None)
        feed(Loggers({"tensorboard": get_logger("tensorboard")}, pytest.fail), tmp_path, back)
    else:
        feed(loggers, tmp_path, [*LINES, *back])
    assert len(list(tmp_path.iterdir())) == 2
    assert scalars(tmp_path)["loss"] == {10: 1.0, 20: 0.25, 30: 0.25}


def test_tensorboard_writes_nothing_for_a_run_without_metrics(tmp_path):
    pytest.importorskip("tensorboardX")
    feed(Loggers({"tensorboard": get_logger("tensorboard")}, pytest.fail), tmp_path, [], None)
    assert list(tmp_path.iterdir()) == []


# --- Weights & Biases


class FakeWandB:
    """Stands in for the package: keeps the calls."""

    def __init__(self):
        self.calls, self.summary = [], {}

    def Settings(self, **fields):
        return fields

    def init(self, **fields):
        self.calls.append(("init", fields))
        return self

    def __getattr__(self, name):
        return lambda *arguments, **fields: self.calls.append((name, *arguments, *fields.values()))


@pytest.mark.parametrize("mode", [None, "online"])
def test_wandb_is_offline_unless_it_is_told_otherwise(mode, tmp_path, monkeypatch):
    fake = FakeWandB()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    for name in ("WANDB_MODE", "WANDB_PROJECT", "WANDB_NAME"):
        monkeypatch.delenv(name, raising=False)
    if mode:
        monkeypatch.setenv("WANDB_MODE", mode)
    feed(Loggers({"wandb": get_logger("wandb")}, pytest.fail), tmp_path)
    (_, fields), *calls = fake.calls
    assert fields["mode"] == (mode or "offline") and fields["project"] == "stde"
    assert fields["dir"] == str(tmp_path) and fields["name"] == tmp_path.name and fields["config"] == RUN
    logged = [call[1] for call in calls if call[0] == "log"]
    assert logged == [*LINES[:2], {k: v for k, v in LINES[2].items() if v is not None}]
    assert fake.summary["result/relative_l2"] == 0.125 and calls[-1] == ("finish", 0)


def test_wandb_hears_of_a_run_that_failed(tmp_path, monkeypatch):
    fake = FakeWandB()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    feed(Loggers({"wandb": get_logger("wandb")}, pytest.fail), tmp_path, result=None)
    assert fake.calls[-1] == ("finish", 1) and fake.summary == {}


def records(content):
    """The records of a `.wandb` file: a LevelDB log, in blocks of 32 kB, after 7 bytes of its own."""
    place, part = 7, b""
    while place + 7 <= len(content):
        if 2**15 - place % 2**15 < 7:
            place += 2**15 - place % 2**15
        length, kind = struct.unpack("<HB", content[place + 4 : place + 7])
        part += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield part
            part = b""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="needs stde[wandb]")
def test_wandb_writes_the_metrics_into_the_directory(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    feed(Loggers({"wandb": get_logger("wandb")}, pytest.fail), tmp_path)
    sys.modules["wandb"].teardown()  # its own process has written everything when it has ended
    (path,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    from wandb.proto.wandb_internal_pb2 import Record

    read = [Record.FromString(record) for record in records(path.read_bytes())]
    lines = [
        {(item.nested_key or [item.key])[0]: json.loads(item.value_json) for item in record.history.item}
        for record in read
        if record.HasField("history")
    ]
    assert [line["loss"] for line in lines] == [1.0, 0.5, 0.2]
    assert [line["step"] for line in lines] == [10, 20, 30]
    assert any(record.HasField("exit") and record.exit.exit_code == 0 for record in read)
