"""What a command line of `stde solve` means: all that determines its run."""

import inspect
import shlex
from typing import Any

import click
from stde_cli import cli

from stde_core.plugins import registry
from stde_pdes.commands.solve import options_of, solve
from stde_pdes.runs import Setup, prepare

_NOT_SETTINGS = ("out", "resume", "checkpoint_seconds", "on_nonfinite", "loggers", "as_json")


def meaning(command: str) -> dict[str, Any]:
    """What follows `stde solve`, such as `kdv -p solution=two-soliton`, with all defaults filled in.

    `dim` and whether there is `time` beside; in place of all `refusal`, a sentence, where the command
    cannot be carried out.
    """
    try:
        setup = setup_of(command)
    except click.ClickException as error:
        return {"refusal": error.message}
    except (ValueError, TypeError, ImportError) as error:
        return {"refusal": str(error)}
    left_out = ("seed", "options", "notes")
    described = {name: value for name, value in setup.describe().items() if name not in left_out}
    fields = _defaults(setup.name) | setup.problem_fields
    return {
        "dim": setup.problem.dim,
        "time": setup.problem.num_inputs > setup.problem.dim,
        "settings": described | {"problem_fields": fields},
    }


def setup_of(command: str) -> Setup:
    """What a command line prepares. Raises what `stde solve` says of one that cannot be carried out."""
    # Within the context of `stde`: click keeps the names of the help option that the first context gives.
    stde = click.Context(cli, **cli.context_settings)
    asked = dict(solve.make_context("solve", shlex.split(command), parent=stde).params)
    name, seed = asked.pop("problem"), asked.pop("seed")
    for field in _NOT_SETTINGS:
        del asked[field]
    return prepare(name, seed, options_of(asked))


def _defaults(name: str) -> dict[str, Any]:
    """The fields of a problem that have a default."""
    factory = registry().entry("problems", name).load()
    known = inspect.signature(factory).parameters.items()
    return {field: one.default for field, one in known if one.default is not one.empty}
