"""What `check_model` found, for programs and, printed, for people."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

_TITLES = {
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
        return "\n\n".join([f"{self.model}: {self.dtype}[{self.dim}] → {output}", *self._sections()])

    def _sections(self) -> Iterator[str]:
        warning = self._warning()
        if warning:
            yield _section(warning, {use: use.kink for use in self.uses if use.kink})
        for support, title in _TITLES.items():
            uses = self.having(support)
            if uses and support == "rule":
                counts = Counter(use.name for use in uses for _ in range(use.count))
                yield _section(f"{title} {', '.join(f'{name} ×{n}' for name, n in counts.items())}", {})
            elif uses:
                yield _section(title, {use: use.reason for use in uses})
        if not warning and len(self.having("rule")) == len(self.uses):
            yield "Nothing to improve."

    def _warning(self) -> str:
        """Which derivatives are lost; "" if none."""
        if not self.depends_on_x:
            return "CONSTANT: the output does not depend on x, and every derivative is 0."
        if self.degree == 0:
            return "STEPS: x acts on the output in steps only, and every derivative is 0 where there is one."
        if self.smooth:
            return ""
        if self.degree is None:
            return "NOT SMOOTH: operators of order 2 and above leave out what happens at the kinks."
        if self.degree == 1:
            return (
                "NOT SMOOTH: the model is piecewise linear in x, so that operators of order 2 (such as a "
                "Laplacian) and above are 0 almost everywhere and say nothing. Use a smooth activation: "
                "`eqx.nn.MLP(…, activation=jnp.tanh)`."
            )
        return (
            f"NOT SMOOTH: the model is piecewise a polynomial of degree ≤ {self.degree} in x, so that "
            f"operators of order {self.degree + 1} and above are 0 almost everywhere and say nothing."
        )


def _section(title: str, remarks: Mapping[PrimitiveUse, str]) -> str:
    """A title above uses, with their places and remarks."""
    lines = [_fill(title)]
    for use, remark in remarks.items():
        places = f" ({'; '.join(use.places)})" if use.places else ""
        text = f"{use}{places}{': ' if remark else ''}{remark}"
        lines.append(_fill(text, initial_indent="  ", subsequent_indent="      "))
    return "\n".join(lines)


_fill = partial(textwrap.fill, width=100, break_long_words=False, break_on_hyphens=False)
