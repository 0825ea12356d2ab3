"""`stde new-plugin`: what it writes works as it stands; and the fixture that registers a plugin."""

import json
import os
import site
import subprocess
import sys
import types

import pytest
from click.testing import CliRunner
from stde_cli import cli
from stde_cli._new_plugin._package import KINDS, Package

import stde_core as stde
from stde_core.testing import registered

NAMES = {"estimator": "my-estimator", "operator": "My.Drift", "sampler": "noise_of-mine", "problem": "ball"}


def run(*arguments):
    return CliRunner().invoke(cli, ["new-plugin", *arguments], prog_name="stde")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_is_a_few_short_files(here, kind):
    done = run(NAMES[kind], "--kind", kind)
    assert done.exit_code == 0, done.output
    assert f"pip install -e . && pytest && stde list {kind}s" in done.stdout
    package = Package(NAMES[kind] + "x", kind)
    assert [path.name for path in here.iterdir()] == [NAMES[kind]]
    files = {path.name: path.read_text("utf-8") for path in (here / NAMES[kind]).iterdir()}
    module = package.module.removesuffix("x")
    assert files.keys() == {"pyproject.toml", "README.md", f"{module}.py", f"test_{module}.py"}
    assert all("$" not in text for name, text in files.items() if name != "README.md")
    assert max(len(text.splitlines()) for text in files.values()) < 100


def test_names_of_module_class_and_entry():
    package = Package("My.fine_Estimator", "estimator")
    assert (package.registered, package.module) == ("my-fine-estimator", "my_fine_estimator")
    assert package.class_name == "MyFineEstimator"
    assert Package("any", "operator").class_name == "AnyOperator"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a/b"], "needs the name of a distribution"),
        (["a\\b"], "needs the name of a distribution"),
        ([".."], "needs the name of a distribution"),
        (["../up"], "needs the name of a distribution"),
        ([""], "needs the name of a distribution"),
        (["a b"], "needs the name of a distribution"),
        (["a\n"], "needs the name of a distribution"),
        (["é"], "needs the name of a distribution"),
        (["-"], "needs the name of a distribution"),
        (["9lives"], "would write the module '9lives'"),
        (["class"], "would write the module 'class'"),
        (["conftest"], "would write the module 'conftest'"),
        (["json"], "would write the module 'json', which is installed already"),
        (["stde-core"], "would write the module 'stde_core', which is installed already"),
        (["laplacian", "--kind", "operator"], "would add the operator 'laplacian', which there is"),
        (["taken"], "'taken' exists here"),
        (["x" * 1000], "cannot write here"),
        (["good", "--kind", "mesh"], "'mesh' is not one of 'estimator', 'operator', 'sampler', 'problem'"),
        ([], "Missing argument 'NAME'"),
    ],
)
def test_bad_names_get_a_sentence_and_nothing_is_written(here, arguments, message):
    (here / "taken").write_text("kept")
    done = run(*arguments)
    assert done.exit_code == 2
    (line,) = done.stderr.strip().splitlines()
    assert message in line
    assert [path.name for path in here.iterdir()] == ["taken"]
    assert (here / "taken").read_text() == "kept"


def test_a_directory_that_is_gone_gets_a_sentence(here):
    with pytest.raises(ValueError, match=r"`stde new-plugin mine` cannot write here \(No such file"):
        Package("mine", "estimator").write(here / "nowhere")


# --- plugins for the time of one test


def plugin(name):
    @stde.hookimpl
    def stde_operators():
        return {name: stde.Laplacian}

    return types.SimpleNamespace(stde_operators=stde_operators)


def test_the_fixture_registers_plugins(stde_plugin, monkeypatch):
    monkeypatch.setenv("STDE_PLUGINS", "")
    stde_plugin(plugin("first"), name="one")
    stde_plugin(plugin("second"), name="two")
    assert isinstance(stde.get_operator("first"), stde.Laplacian)
    assert isinstance(stde.get_operator("second"), stde.Laplacian)
    listed = json.loads(CliRunner().invoke(cli, ["list", "operators", "--json"]).stdout)["operators"]
    assert {"first": "one", "second": "two"}.items() <= {row["name"]: row["plugin"] for row in listed}.items()


def test_a_plugin_is_forgotten_after_the_block():
    with registered(plugin("passing")):
        assert isinstance(stde.get_operator("passing"), stde.Laplacian)
    with pytest.raises(ValueError, match="Unknown operator 'passing'"):
        stde.get_operator("passing")


def test_a_plugin_that_fails_is_not_registered():
    bad = types.SimpleNamespace(stde_operators=stde.hookimpl(lambda: None))
    expected = "Plugin 'bad' cannot be registered: TypeError: `stde_operators` must return a dict"
    with pytest.raises(ValueError, match=expected), registered(bad, name="bad"):
        pass
    assert isinstance(stde.get_operator("laplacian"), stde.Laplacian)


def test_the_kit_needs_no_pytest_and_pytest_imports_no_stde():
    code = "import sys, stde_core.testing; assert not {'pytest', 'matplotlib', 'optax'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import sys, stde_pytest; assert not {'stde_core', 'jax', 'numpy'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- installed as it stands


def quietly(*command, cwd):
    kept = {name: value for name, value in os.environ.items() if name not in ("STDE_PLUGINS", "PYTHONPATH")}
    done = subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture
def python(here):
    """That of a new environment, which sees the packages of this one, editable installs included."""
    quietly(sys.executable, "-m", "venv", "--without-pip", here / "environment", cwd=here)
    (packages,) = (here / "environment").glob("lib/python*/site-packages")
    ours = [p for p in (*site.getsitepackages(), site.getusersitepackages()) if p in sys.path]
    (packages / "ours.pth").write_text("".join(f"import site; site.addsitedir({p!r})\n" for p in ours))
    return here / "environment" / "bin" / "python"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_package_installs_passes_its_tests_and_is_listed(here, python, kind):
    pytest.importorskip("hatchling")
    name = NAMES[kind]
    quietly(python, "-m", "stde_cli", "new-plugin", name, "--kind", kind, cwd=here)
    offline = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    pip = [sys.executable, "-m", "pip", "--python", python, "install", *offline]
    quietly(*pip, "-e", ".", cwd=here / name)
    listed = json.loads(quietly(python, "-m", "stde_cli", "list", f"{kind}s", "--json", cwd=here))
    registered_name = Package(name + "-x", kind).registered.removesuffix("-x")
    (row,) = [row for row in listed[f"{kind}s"] if row["name"] == registered_name]
    assert row["plugin"] == registered_name
    assert "error" not in row
    assert row["summary"]
    passed = quietly(python, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", ".", cwd=here / name)
    assert "2 passed" in passed
