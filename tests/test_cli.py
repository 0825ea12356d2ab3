"""The command line: what it lists, what it says of bad input, and the commands of plugins."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from fake_distributions import FakeSite, write_distribution
from stde_cli import cli

from stde_core.plugins import registry


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A fresh registry that sees only the plugins of stde and those that a test allows."""
    registry.cache_clear()
    fake = FakeSite(tmp_path, monkeypatch)
    monkeypatch.setenv("STDE_PLUGINS", "")
    yield fake
    registry.cache_clear()


def run(*arguments):
    return CliRunner().invoke(cli, arguments, prog_name="stde")


def succeed(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def fail(*arguments):
    """The one sentence on stderr of a call that ends with status 2."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)
    (line,) = result.stderr.strip().splitlines()
    return line


def rows(*arguments):
    return {
        row["name"]: row
        for kind in json.loads(succeed("list", "--json", *arguments)).values()
        for row in kind
    }


def test_list_shows_every_kind(site):
    listed = json.loads(succeed("list", "--json"))
    assert list(listed)[:3] == ["operators", "samplers", "estimators"]
    assert "problems" in listed
    assert "commands" not in listed
    row = {"name": "laplacian", "plugin": "core", "summary": "`Δ = Σ_i ∂_i²` over `axes` (all by default)."}
    assert row in listed["operators"]
    assert {"stde", "exact", "sdgd", "hutchinson", "forward-laplacian"} <= {
        row["name"] for row in listed["estimators"]
    }


def test_list_of_one_kind(site):
    assert list(json.loads(succeed("list", "samplers", "--json"))) == ["samplers"]
    table = succeed("list", "samplers")
    assert table.splitlines()[0].split() == ["samplers", "plugin", "what", "it", "is"]
    assert "rademacher" in table
    assert "laplacian" not in table.splitlines()[0]


def test_names_are_not_truncated_in_a_pipe(site, monkeypatch):
    name = "long-" * 30
    site.plugin(f"@stde.hookimpl\ndef stde_operators():\n    return {{{name!r}: stde.Laplacian}}")
    monkeypatch.setenv("STDE_PLUGINS", "fake")
    table = succeed("list", "operators")
    assert name in table
    assert all(line == line.rstrip() for line in table.splitlines())
    assert len(table.splitlines()) == 1 + len(rows("operators"))


def test_list_says_why_an_estimator_cannot_run_here(site, monkeypatch):
    monkeypatch.setitem(sys.modules, "folx", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    assert "needs stde[folx]" in rows("estimators")["forward-laplacian"]["summary"]
    assert "needs" not in rows("estimators")["exact"]["summary"]


def test_list_shows_what_cannot_be_used_with_the_cause(site, monkeypatch):
    site.plugin(
        """
        class Broken:
            "An estimator that cannot be built."
            def __init__(self): raise OSError("no disk")

        def demanding(estimator):
            "An estimator that needs another."

        @stde.hookimpl
        def stde_operators():
            return {"lost": "no_such_module:operator", "undocumented": lambda: None}

        @stde.hookimpl
        def stde_estimators():
            return {"broken": Broken, "demanding": demanding, "shared": demanding}
        """
    )
    site.plugin('@stde.hookimpl\ndef stde_estimators():\n    return {"shared": dict}', name="other")
    monkeypatch.setenv("STDE_PLUGINS", "fake,other")
    found = rows()
    assert "ModuleNotFoundError: No module named 'no_such_module'" in found["lost"]["error"]
    assert found["undocumented"] == {"name": "undocumented", "plugin": "fake", "summary": ""}
    assert "OSError: no disk" in found["broken"]["error"]
    assert found["demanding"]["summary"] == "An estimator that needs another."
    assert "is added by fake (fake 1.0) and other (other 1.0)" in found["shared"]["error"]
    assert found["shared"]["plugin"] == "fake, other"
    assert "FAILED: 'lost' of plugin fake (fake 1.0) cannot be loaded" in succeed("list")


def test_markup_in_a_summary_is_left_alone(site, monkeypatch):
    site.plugin(
        """
        def operator():
            "Along `[red]`, or [/red], :smile:."

        @stde.hookimpl
        def stde_operators():
            return {"marked": operator}
        """
    )
    monkeypatch.setenv("STDE_PLUGINS", "fake")
    assert "Along `[red]`, or [/red], :smile:." in succeed("list", "operators")


def test_plugins(site):
    plugins = {p["name"]: p for p in json.loads(succeed("plugins", "--json"))["plugins"]}
    assert plugins["exact"]["adds"] == {"estimators": ["exact"]}
    assert plugins["exact"]["distribution"] == "stde"
    assert plugins["exact"]["error"] is None
    table = succeed("plugins")
    assert table.splitlines()[0].split() == ["plugin", "distribution", "version", "adds"]
    assert "estimators: exact" in table


def test_plugins_tells_failures_and_oddities(site, monkeypatch):
    site.plugin("1 / 0", name="broken")
    site.plugin("", name="idle")
    site.plugin('@stde.hookimpl\ndef stde_commands():\n    return {"list": "nowhere:list"}', name="greedy")
    monkeypatch.setenv("STDE_PLUGINS", "broken,greedy,nonsense")
    table = succeed("plugins")
    assert "FAILED: ZeroDivisionError: division by zero" in table
    assert 'Plugin broken (broken 1.0) failed: switch it off by STDE_PLUGINS="greedy".' in table
    assert "switched off by STDE_PLUGINS" in table
    assert "STDE_PLUGINS names 'nonsense', but no installed plugin or distribution is called that." in table
    assert "Command 'list' of plugin greedy (greedy 1.0) is hidden by the one of stde itself." in table
    as_json = json.loads(succeed("plugins", "--json"))
    assert [p["error"] for p in as_json["plugins"] if p["name"] == "broken"] == [
        "ZeroDivisionError: division by zero"
    ]
    assert [p["name"] for p in as_json["switched_off"]] == ["idle"]
    assert len(as_json["remarks"]) == 3


@pytest.mark.parametrize("command", [[], ["list"], ["plugins"]])
def test_help_teaches_by_example(site, command):
    text = succeed(*command, "--help")
    assert text == succeed(*command, "-h")
    assert "Examples:\n    stde " in text
    assert all(len(line) <= 110 for line in text.splitlines())


def test_without_a_command_there_is_help(site):
    assert succeed() == succeed("--help")


def test_version(site):
    assert succeed("--version").startswith("stde ")


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["lst"], "Error: Unknown command 'lst'; did you mean 'list'?"),
        (["list", "operater"], "Error: Unknown kind 'operater'; did you mean 'operators'?"),
        (["list", "commands"], "Error: Unknown kind 'commands'; "),
        (["list", "--jsn"], "Error: No such option '--jsn'"),
        (["list", "operators", "samplers"], "Error: Got unexpected extra argument (samplers)"),
        (["--nonsense"], "Error: No such option '--nonsense'"),
    ],
)
def test_bad_input_is_told_in_one_sentence(site, arguments, sentence):
    assert fail(*arguments).startswith(sentence)


@pytest.mark.parametrize("arguments", [[], ["step", "--dims", "5"], ["--nonsense"]])
def test_benchmarks_are_said_to_be_in_the_repository(site, arguments):
    assert fail("bench", *arguments).startswith(
        "Error: Benchmarks live in the repository and are run by `python"
    )
    assert "Benchmarks live in the repository" in succeed("bench", *arguments, "--help")


COMMANDS = """
import click

@click.command(epilog="Examples")
@click.option("--times", type=int, default=1)
@click.argument("name")
def greet(name, times):
    "Greet somebody."
    if name == "nobody":
        raise click.ClickException("Nobody is not somebody.")
    click.echo(f"hello {name} " * times)

@stde.hookimpl
def stde_commands():
    return {"greet": greet, "later": "late_commands:later", "lost": "late_commands:lost", "number": dict}
"""
LATE = """
import click

@click.command()
def later():
    "Come later. Much later."
    click.echo("later")
"""


@pytest.fixture
def commands(site, monkeypatch):
    site.plugin(COMMANDS)
    site.install("late", {}, late_commands=LATE)
    monkeypatch.setenv("STDE_PLUGINS", "fake")


def test_commands_of_plugins(commands):
    assert succeed("greet", "you", "--times", "2") == "hello you hello you \n"
    assert "late_commands" not in sys.modules
    assert succeed("later") == "later\n"


def test_help_shows_the_commands_of_plugins_and_those_that_fail(commands):
    lines = [" ".join(line.split()) for line in succeed("--help").splitlines()]
    assert "greet Greet somebody." in lines
    assert "later Come later." in lines
    assert any(line.startswith("lost FAILED: 'lost' of plugin fake (fake 1.0)") for line in lines)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["gret"], "Error: Unknown command 'gret'; did you mean 'greet'"),
        (["greet"], "Error: Missing argument 'NAME'."),
        (["greet", "you", "--times", "x"], "Error: Invalid value for '--times': 'x' is not a valid integer."),
        (["greet", "nobody"], "Error: Nobody is not somebody."),
        (
            ["lost"],
            "Error: 'lost' of plugin fake (fake 1.0) cannot be loaded from 'late_commands:lost': Attr",
        ),
        (["number"], "Error: Command 'number' must be a `click.Command`, got <class 'dict'>."),
    ],
)
def test_bad_input_to_commands_of_plugins(commands, arguments, sentence):
    assert fail(*arguments).startswith(sentence)


def test_a_command_that_two_plugins_add(site, monkeypatch):
    for name in ("first", "second"):
        site.plugin(COMMANDS, name=name)
    monkeypatch.setenv("STDE_PLUGINS", "first,second")
    assert fail("greet", "you").startswith("Error: Command 'greet' is added by first (first 1.0) and second")
    assert "greet" in succeed("--help")


def call(*arguments, encoding="utf-8", **environment):
    return subprocess.run(
        [sys.executable, "-m", "stde_cli", *arguments],
        env={**os.environ, "STDE_PLUGINS": "", "PYTHONIOENCODING": encoding, **environment},
        capture_output=True,
        text=True,
        encoding=encoding,
    )


def test_as_a_module():
    done = call("list", "operater")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: Unknown kind 'operater'; did you mean 'operators'?\n"


def test_output_that_the_terminal_cannot_show_is_replaced():
    done = call("list", "operators", encoding="latin-1")
    assert done.returncode == 0
    assert "k ? 1" in done.stdout


def test_failures_are_told_on_stderr(tmp_path):
    write_distribution(tmp_path, "fake", {"fake": "no_such_module"})
    paths = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    done = call("list", "operators", PYTHONPATH=paths, STDE_PLUGINS="fake")
    assert done.returncode == 0
    assert done.stderr.startswith("Warning: Plugin fake (fake 1.0) failed and is left out (switch it off by ")
    assert "no_such_module" in done.stderr.splitlines()[0]
