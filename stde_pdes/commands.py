"""The command `stde solve`."""

import json
from typing import Any

import click
import jax

from ._run import execute, new_directory
from ._setup import Options, Setup, prepare
from .report.progress import ProgressDisplay


@click.command(
    epilog="""\b
Examples:
  stde solve allen-cahn-two-body                    100 dimensions, about 40 s on two cores
  stde solve allen-cahn-two-body --dim 1000 --steps 2000
  stde solve semilinear-heat -p horizon=0.5 --seed 1
  stde solve semilinear-heat --estimator hutchinson -e num_samples=8
  stde solve allen-cahn-two-body -e sampler=gaussian -m width=256 -m activation=sin
  stde solve kdv -p solution=two-soliton -t learning_rate=1e-3 -t batch=1000
  stde solve allen-cahn-two-body --dim 100000 --model block-shared -m block_size=50
  stde solve kdv --model residual -m norm=true -m depth=4
  stde solve kdv --gpinn-weight 1e-3                penalise the slope of the residual too
  stde solve kdv -t gauss_newton=on -t gauss_newton.steps=100 -t lbfgs=none
  stde solve semilinear-heat -t causal.strength=2 -t resampling=on
  stde solve kp --out kp-run --json                 the last line of stdout is a JSON object
  stde list problems                                what there is to solve

\b
Fields of the options (`stde list` names estimators and samplers):
  -p  the problem: see `stde list problems`; a wrong name lists the right ones
  -e  the estimator: num_samples, sampler=NAME, sampler.replace=true, ...
  -m  the network: width, depth, activation; block_size of block-shared, ... (`stde list networks`)
  -t  training: batch, learning_rate, schedule, shared_tangents, unbiased, gpinn_samples, test_points
      gauss_newton, lbfgs (stages after Adam), causal and resampling are on, none, or set by their
      fields: lbfgs.steps=500 switches lbfgs on
"""
)
@click.argument("problem")
@click.option("--dim", type=int, metavar="N", help="Number of space dimensions, where there is a choice.")
@click.option(
    "--steps",
    type=int,
    metavar="N",
    help="Steps of all optimisers together, in the problem's own proportions.",
)
@click.option("--estimator", metavar="NAME", help="How operators are estimated.")
@click.option("--model", "model_name", metavar="NAME", help="The network.  [default: the problem's own]")
@click.option("--gpinn-weight", type=float, metavar="W", help="Weight of the residual's squared gradient.")
@click.option("-p", "problem_options", multiple=True, metavar="FIELD=VALUE", help="A field of the problem.")
@click.option("-e", "estimator_options", multiple=True, metavar="FIELD=VALUE", help="One of the estimator.")
@click.option("-m", "model_options", multiple=True, metavar="FIELD=VALUE", help="One of the network.")
@click.option("-t", "training_options", multiple=True, metavar="FIELD=VALUE", help="One of the training.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of network, points and tangents.")
@click.option("--out", metavar="DIR", help="A new directory for the run.  [default: runs/NAME-TIME]")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON on stdout.")
def solve(
    problem: str,
    dim: int | None,
    steps: int | None,
    estimator: str | None,
    model_name: str | None,
    gpinn_weight: float | None,
    problem_options: tuple[str, ...],
    estimator_options: tuple[str, ...],
    model_options: tuple[str, ...],
    training_options: tuple[str, ...],
    seed: int,
    out: str | None,
    as_json: bool,
) -> None:
    """Train a network to solve PROBLEM, and measure how well it did.

    Writes the trained model, the metrics, all that is needed to repeat the run, and a picture of
    the solution into a directory of its own. Errors are those of the last step, at points that
    training never sees, beside the error of the best trivial solution.
    """
    options = Options(
        dim=dim,
        steps=steps,
        estimator_name=estimator,
        model_name=model_name,
        gpinn_weight=gpinn_weight,
        problem=problem_options,
        estimator=estimator_options,
        model=model_options,
        training=training_options,
    )
    try:
        setup = prepare(problem, seed, options)
        directory = new_directory(out, problem)
    except (ValueError, TypeError, ImportError, jax.errors.JaxRuntimeError) as error:
        raise click.UsageError(str(error)) from error
    try:
        with ProgressDisplay(setup.training.total_steps) as display:
            display.announce(_headline(setup))
            result = execute(setup, directory, report=display.report, announce=display.announce)
    except FloatingPointError as error:
        raise click.ClickException(f"{error} What was measured is in {directory}.") from error
    except jax.errors.JaxRuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise click.ClickException(
            f"{reason} (If memory ran out, lower `-t batch`, `-m width` or `--dim`.) "
            f"What was measured is in {directory}."
        ) from error
    if as_json:
        click.echo(json.dumps(result))
    else:
        _print_summary(result)


def _headline(setup: Setup) -> str:
    device = jax.devices()[0]
    return (
        f"{setup.name}, dim {setup.problem.dim}, estimator {setup.estimator_name}, "
        f"{setup.training.total_steps} steps, seed {setup.seed}, on {device.platform} ({device.device_kind})"
    )


def _print_summary(result: dict[str, Any]) -> None:
    trivial = f"(trivial: {result['trivial_relative_l2']:.3e})"
    rows = [
        ("relative L2 error", f"{result['relative_l2']:.3e}   {trivial}"),
        ("relative L1 error", f"{result['relative_l1']:.3e}"),
        ("speed", f"{result['steps_per_second']:.1f} steps/s, {result['seconds']:.0f} s in all"),
        ("peak memory", f"{result['peak_memory_mb']:.0f} MB"),
        ("files", f"{result['out']}: solution.png, model.eqx, metrics.jsonl, run.json, result.json"),
        *(("note", note) for note in result["notes"]),
    ]
    if "relative_error_origin" in result:
        rows.insert(2, ("relative error at the origin", f"{result['relative_error_origin']:.3e}"))
    for name, text in rows:
        click.echo(f"{name:<30}{text}")
