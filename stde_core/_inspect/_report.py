"""What `check_model` found, for programs and, printed, for people."""

import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_SECTIONS = {
    "impossible": "IMPOSSIBLE, since JAX has no forward derivative of it. Write it with `jax.numpy`, wrap it "
    "in `jax.custom_jvp`, or give it a rule by `stde.taylor_rule`:",
    "none": "WITHOUT A RULE, so by its own derivative rule: right, slow at high orders, and a warning. "
    "Give it a rule by `stde.taylor_rule`:",
    "derivative": "By its own derivative rule: right, slower the higher the order. Where that matters, write "
    "it with other primitives, or give it a rule by `stde.taylor_rule`:",
    "body": "By the derivative of its body, since a `jax.custom_vjp` has a reverse rule only. Where that is "
    "not the derivative you mean, use `jax.custom_jvp`:",
    "rule": "Fast, by a rule of the engine:",
}


@dataclass(frozen=True)
class PrimitiveUse:
    """A primitive, or a function with a custom derivative, that a model applies to what depends on x.

    - `support`: how it is differentiated: `"rule"` (by a rule of the engine: fast), `"derivative"` (by
      its own derivative rule, again for every order), `"none"` (likewise, and nobody has checked it:
      one warning), `"body"` (a `custom_vjp`, of which the body is differentiated), `"impossible"`.
    - `count`: how often it is written in the model; what is in a loop counts once.
    - `places`: the functions around it, and the lines of the model, as far as they are known.
    - `kink`: why its derivatives may mislead; "" if it is smooth.
    - `reason`: why it is impossible; "" otherwise.
    """

    name: str
    support: str
    count: int
    places: tuple[str, ...] = ()
    kink: str = ""
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name} ×{self.count}"


@dataclass(frozen=True, repr=False)
class ModelReport:
    """What Taylor mode makes of a model; `print` it, or read the fields.

    - `model`, `dim`, `dtype`: what was checked, at a point of `dim` entries.
    - `output_shape`, `output_dtype`: what it returns.
    - `depends_on_x`: whether its value depends on x at all.
    - `degree`: k, where the model is piece by piece a polynomial in x of degree ≤ k, so that every
      derivative of higher order is 0 almost everywhere; None where it is no polynomial.
    - `uses`: the primitives that depend on x.
    """

    model: str
    dim: int
    dtype: str
    output_shape: tuple[int, ...]
    output_dtype: str
    depends_on_x: bool
    degree: int | None
    uses: tuple[PrimitiveUse, ...]

    @property
    def possible(self) -> bool:
        """Whether operators of every order can be estimated."""
        return not self.having("impossible")

    @property
    def smooth(self) -> bool:
        """Whether no kink was found."""
        return not any(use.kink for use in self.uses)

    def having(self, support: str) -> tuple[PrimitiveUse, ...]:
        """The primitives that are differentiated in one of the ways that `PrimitiveUse` names."""
        return tuple(use for use in self.uses if use.support == support)

    def __repr__(self) -> str:
        output = f"{self.output_dtype}{list(self.output_shape)}"
        head = f"{self.model}: {self.dtype}[{self.dim}] → {output}"
        return "\n\n".join([head, *("\n".join(section) for section in self._sections())])

    def _sections(self) -> Iterator[list[str]]:
        kinks = [use for use in self.uses if use.kink]
        loss = self._loss()
        if loss:
            yield [*_wrap(loss), *(_line(use, use.kink) for use in kinks)]
        for support, title in _SECTIONS.items():
            uses = self.having(support)
            if uses and support == "rule":
                counts = Counter({use.name: 0 for use in uses})
                for use in uses:
                    counts[use.name] += use.count
                yield _wrap(f"{title} {', '.join(f'{name} ×{count}' for name, count in counts.items())}")
            elif uses:
                yield [*_wrap(title), *(_line(use, use.reason) for use in uses)]
        if not loss and len(self.having("rule")) == len(self.uses):
            yield ["Nothing to improve."]

    def _loss(self) -> str:
        """Which derivatives are lost; "" if none."""
        if not self.depends_on_x:
            return "CONSTANT: the output does not depend on x, and every derivative is 0."
        match self.degree:
            case 0:
                return (
                    "STEPS: x acts on the output in steps only, and every derivative is 0 where there is one."
                )
            case int(degree) if not self.smooth:
                shape = "piecewise linear" if degree == 1 else f"piecewise a polynomial of degree ≤ {degree}"
                order = "order 2 (such as a Laplacian)" if degree == 1 else f"order {degree + 1}"
                cure = "Use a smooth activation: `eqx.nn.MLP(…, activation=jnp.tanh)`." if degree == 1 else ""
                return (
                    f"NOT SMOOTH: the model is {shape} in x, so that operators of {order} "
                    f"and above are 0 almost everywhere and say nothing. {cure}"
                )
            case _ if not self.smooth:
                return "NOT SMOOTH: operators of order 2 and above leave out what happens at the kinks."
        return ""


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, width=100, break_long_words=False, break_on_hyphens=False)


def _line(use: PrimitiveUse, remark: str) -> str:
    places = f" ({'; '.join(use.places)})" if use.places else ""
    text = f"{use}{places}{': ' if remark else ''}{remark}"
    return textwrap.indent("\n    ".join(_wrap(text)), "  ")
