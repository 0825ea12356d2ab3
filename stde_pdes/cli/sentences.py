"""What the commands have in common: errors as sentences, results as lines."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import click
import jax
from stde_cli import printable

from ..training import MOST_FEATURES, beats_affine


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Errors of the user become usage errors."""
    try:
        yield
    except (ValueError, TypeError, ImportError) as error:
        raise click.UsageError(str(error)) from error
    except jax.errors.JaxRuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise click.UsageError(
            f"{reason} (If memory ran out, lower `-t batch`, `-m width` or `--dim`.)"
        ) from error


def show(result: dict[str, Any], as_json: bool) -> None:
    """Prints a result: for people, or in one line of JSON."""
    if as_json:
        click.echo(json.dumps(result))
        return
    for name, text in _lines(result):
        click.echo(f"{name:<30}{text}")


def _lines(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if result.get("relative_l2") is not None:
        yield "relative L2 error", f"{result['relative_l2']:.3e}   ({_beside(result)})"
        yield "relative L1 error", f"{result['relative_l1']:.3e}"
    for name, error in (result.get("relative_l2_outputs") or {}).items():
        yield f"relative L2 error of {printable(name)}", f"{error:.3e}"
    if result.get("relative_error_origin") is not None:
        yield "relative error at the origin", f"{result['relative_error_origin']:.3e}"
    if result.get("relative_l2") is None:
        for name, sizes in result.get("residuals", {}).items():
            yield f"residual {printable(name)}", f"{sizes['rms']:.3e} rms, {sizes['largest']:.3e} at most"
    for name, value in result.get("found", {}).items():
        yield printable(name), f"{value:.6g}" if isinstance(value, float) else printable(str(value))
    if "seconds" in result:
        yield "speed", f"{result['steps_per_second']:.1f} steps/s, {result['seconds']:.0f} s in all"
        yield "peak memory", f"{result['peak_memory_mb']:.0f} MB"
        where = printable(str(result.get("out")))
        yield "files", f"{where}: report.html, solution.png, model.eqx, result.json and others"
    yield from _remarks(result)


def _remarks(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    affine, error = result.get("affine_relative_l2"), result.get("relative_l2")
    if affine is not None and error is not None and not beats_affine(error, affine):
        yield "note", "not better than an affine network"
    if result.get("stopped"):
        yield "note", f"stopped early: {printable(str(result['stopped']))}"
    notes = result.get("notes")
    for note in notes if isinstance(notes, list) else ():
        yield "note", printable(str(note))


def _beside(result: dict[str, Any]) -> str:
    """The errors of the two simplest models; runs of older versions know of one."""
    trivial = f"trivial: {result['trivial_relative_l2']:.3e}"
    if "affine_relative_l2" not in result:
        return trivial
    affine = result["affine_relative_l2"]
    text = f"not computed above {MOST_FEATURES} features" if affine is None else f"{affine:.3e}"
    return f"{trivial}, affine: {text}"
