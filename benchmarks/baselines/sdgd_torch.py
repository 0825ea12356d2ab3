"""SDGD in PyTorch (Hu, Shukla, Karniadakis, Kawaguchi, 2024): backward mode, a loop over dimensions.

The same network, points and equation as the problem's, in another framework: the same law of
points, and the right-hand side of the two-body solution by formula. torch is imported when used.
"""

import importlib.util
from typing import Any, TypeAlias

import jax
import numpy as np

from stde_pdes import Problem
from stde_pdes.memory import peak_resident_mb

from ..runner import Ready
from . import Setting
from .hand_written import output_scale

Tensor: TypeAlias = Any


def _torch() -> Any:
    return importlib.import_module("torch")


def refusal() -> str | None:
    """Why PyTorch here cannot be compared with JAX, if so."""
    if importlib.util.find_spec("torch") is None:
        return 'needs PyTorch: `pip install "stde[torch]"`'
    if jax.default_backend() != "cpu" and not _torch().cuda.is_available():
        return f"would run on the CPU beside methods on the {jax.default_backend()}: its PyTorch has no GPU"
    return None


# By the names of the problems that this is written for.
REACTIONS: dict[str, Any] = {
    "sine-gordon-two-body": lambda u: _torch().sin(u),
    "allen-cahn-two-body": lambda u: u - u**3,
}


class TorchStep:
    """One training step: points, right-hand side, residual, backward pass, Adam."""

    def __init__(self, name: str, problem: Problem, network: Any, setting: Setting):
        self.torch = torch = _torch()
        torch.manual_seed(setting.seed)
        self.generator = np.random.default_rng(setting.seed)
        self.device = "cpu" if jax.default_backend() == "cpu" else "cuda"
        self.dim, self.setting, self.num_samples = problem.dim, setting, min(setting.num_samples, problem.dim)
        self.reaction, self.output_scale = REACTIONS[name], output_scale(problem)
        solution: Any = problem.solution
        self.coefficients = self.tensor(solution.coefficients)
        self.layers = [
            (self.tensor(layer.weight).requires_grad_(), self.tensor(layer.bias).requires_grad_())
            for layer in network.layers
        ]
        self.optimiser = torch.optim.Adam(
            [parameter for layer in self.layers for parameter in layer], lr=setting.learning_rate
        )

    def tensor(self, array: Any) -> Tensor:
        """A copy in torch, on the device."""
        return self.torch.tensor(np.asarray(array), device=self.device)

    def ready(self) -> Ready:
        """Nothing to trace or compile."""
        return Ready(self.step, 0.0, 0.0, self.peak_memory_mb)

    def step(self, step: int) -> float:
        """Fresh points and dimensions, and an update."""
        torch = self.torch
        batch, dim = self.setting.batch, self.dim
        dtype = self.coefficients.dtype
        z = torch.randn(batch, dim, device=self.device, dtype=dtype)
        r = torch.rand(batch, 1, device=self.device, dtype=dtype)
        x = z * (r / z.norm(dim=1, keepdim=True))
        value = self.loss(x, self._dimensions(batch))
        self.optimiser.zero_grad()
        value.backward()
        self.optimiser.step()
        return value.item()

    def _dimensions(self, batch: int) -> Tensor:
        """Sampled dimensions without replacement, `[batch, n]`: of each point, or shared by all."""
        rows = 1 if self.setting.shared_tangents else batch
        chosen = [self.generator.choice(self.dim, self.num_samples, replace=False) for _ in range(rows)]
        return self.torch.as_tensor(np.stack(chosen), device=self.device).expand(batch, -1)

    def loss(self, x: Tensor, dimensions: Tensor) -> Tensor:
        """Mean squared residual at points `[b, d]`, with sampled dimensions `[b, n]`."""
        torch = self.torch
        source = self.source(x)
        x.requires_grad_()
        u = self.model(x)
        gradient = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
        total = torch.zeros_like(u)
        for chosen in dimensions.T[:, :, None]:
            slope = gradient.gather(1, chosen)
            second = torch.autograd.grad(slope.sum(), x, create_graph=True)[0]
            total = total + second.gather(1, chosen)[:, 0]
        laplacian = total * (self.dim / dimensions.shape[1])
        return ((laplacian + self.reaction(u) - source) ** 2).mean()

    def model(self, x: Tensor) -> Tensor:
        """The ansatz around the network, `[b]`."""
        torch = self.torch
        z = self.dim**0.5 * x
        *hidden, (last, offset) = self.layers
        for weight, bias in hidden:
            z = torch.tanh(torch.nn.functional.linear(z, weight, bias))
        net = z @ last.reshape(-1) + offset.reshape(())
        return self.output_scale * (1 - (x**2).sum(1)) * net

    def source(self, x: Tensor) -> Tensor:
        """`Δu + reaction(u)` of the two-body solution, `[b]`, with φ the argument of the sine."""
        torch = self.torch
        with torch.no_grad():
            c, left, right = self.coefficients, x[:, :-1], x[:, 1:]
            phi = left + torch.cos(right) + right * torch.cos(left)
            in_left, in_right = 1 - right * torch.sin(left), torch.cos(left) - torch.sin(right)
            sine, cosine = torch.sin(phi), torch.cos(phi)
            b = (c * sine).sum(1)
            slope = (c * cosine * (in_left * left + in_right * right)).sum(1)
            bend = cosine * (right * torch.cos(left) + torch.cos(right)) + sine * (in_left**2 + in_right**2)
            curvature = -(c * bend).sum(1)
            a = 1 - (x**2).sum(1)
            return a * curvature - 4 * slope - 2 * self.dim * b + self.reaction(a * b)

    def peak_memory_mb(self) -> float:
        """As for the other methods: of the whole process on a CPU, of the device on a GPU."""
        return peak_resident_mb() if self.device == "cpu" else self.torch.cuda.max_memory_allocated() / 1e6
