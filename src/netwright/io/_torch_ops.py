"""How each operator is written in PyTorch: one expression per node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from netwright.errors import ExportError
from netwright.graph import Node, Shape, Tensor
from netwright.io._code import COMPARISON, POWER, PRODUCT, SUM, UNARY, Code
from netwright.io._torch_windows import average_pool, convolution, max_pool, transposed_convolution

__all__ = ["SCALAR_OPERANDS", "Scribe", "expression", "names_input_twice"]


class Scribe(Protocol):
    """What an operator needs of the source under construction."""

    shapes_at_two: dict[Tensor, Shape]

    def hole(self, name: str, value: Any, prefix: str = "", default: Any = None) -> str:
        """Text of a literal that may differ between copies of a module."""

    def helper(self, name: str) -> str:
        """Name of a function at the top of the source, which is written there."""


Arguments = Sequence[Code | None]
Form = Callable[[Scribe, Node, list[Code]], Code]


SCALAR_OPERANDS = frozenset({"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Equal", "Greater", "Less", "Where"})
"""Operators in which a constant of one element is written as a number."""


def names_input_twice(scribe: Scribe, node: Node) -> bool:
    """Whether the expression of a node may name its first input twice, so that it has to be a variable."""
    if node.op.name == "Reshape":
        return len(_following_batch(scribe, node)) > 1
    if node.op.name == "Swish":
        return bool(node.attrs.get("alpha", 1.0) != 1.0)
    return node.op.name == "PRelu" or bool(node.attrs.get("exclusive"))


def _following_batch(scribe: Scribe, node: Node) -> list[int]:
    """Axes of the output whose size grows with the batch."""
    grown = scribe.shapes_at_two[node.output]
    return [i for i, (a, b) in enumerate(zip(node.output.shape, grown, strict=True)) if a != b]


def expression(scribe: Scribe, node: Node, arguments: Arguments) -> Code:
    """PyTorch expression of one node on the expressions of its inputs.

    Raises ExportError for an operator without a form.
    """
    name = node.op.name
    size = 1 + sum(a.size for a in arguments if a is not None)
    if name in OPTIONAL_INPUTS:
        text = OPTIONAL_INPUTS[name](scribe, node, [a and a.text for a in arguments])
        return Code(text, size=size)
    given = [a for a in arguments if a is not None]
    if name in CALLS:
        return Code(CALLS[name].format(*(a.text for a in given)), size=size)
    if name in METHODS:
        return Code(given[0].atom + METHODS[name], size=size)
    if name not in FORMS:
        raise ExportError(f"{name} has no form in PyTorch.")
    made = FORMS[name](scribe, node, given)
    return Code(made.text, made.binds, size)


METHODS = {
    "Abs": ".abs()",
    "Ceil": ".ceil()",
    "Cos": ".cos()",
    "Erf": ".erf()",
    "Exp": ".exp()",
    "Floor": ".floor()",
    "Log": ".log()",
    "Reciprocal": ".reciprocal()",
    "Round": ".round()",
    "Sign": ".sign()",
    "Sin": ".sin()",
    "Sqrt": ".sqrt()",
    "Not": ".logical_not()",
}
"""Operators that are a method without arguments."""

CALLS = {
    "HardSwish": "F.hardswish({})",
    "Mish": "F.mish({})",
    "Relu": "F.relu({})",
    "Sigmoid": "torch.sigmoid({})",
    "Softplus": "F.softplus({})",
    "Softsign": "F.softsign({})",
    "Tanh": "torch.tanh({})",
    "And": "torch.logical_and({}, {})",
    "Or": "torch.logical_or({}, {})",
    "Where": "torch.where({}, {}, {})",
}
"""Operators that are a function of their inputs alone."""


def _infix(symbol: str, binds: int) -> Form:
    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        left, right = given[0].within(binds), given[1].within(binds - 1)
        return Code(f"{left} {symbol} {right}", binds)

    return form


def _power(s: Scribe, node: Node, given: list[Code]) -> Code:
    left = given[0].atom if not given[0].text.startswith("-") else f"({given[0].text})"
    return Code(f"{left} ** {given[1].atom}", POWER)


def _div(s: Scribe, node: Node, given: list[Code]) -> Code:
    if node.output.dtype.startswith("float"):
        return _infix("/", PRODUCT)(s, node, given)
    return Code(f'torch.div({given[0].text}, {given[1].text}, rounding_mode="trunc")')


def _sum(s: Scribe, node: Node, given: list[Code]) -> Code:
    return given[0] if len(given) == 1 else Code(" + ".join(g.within(SUM) for g in given), SUM)


def _extreme(function: str, bound: str) -> Form:
    """Maximum or minimum of several tensors and numbers; a number becomes a clamp."""

    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        tensors = [g for g in given if not g.scalar]
        text = tensors[0].text
        for other in tensors[1:]:
            text = f"torch.{function}({text}, {other.text})"
        numbers = [g for g in given if g.scalar]
        made = tensors[0] if len(tensors) == 1 else Code(text)
        for number in numbers:
            made = Code(f"{made.atom}.clamp({bound}={number.text})")
        return made

    return form


def _neg(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"-{given[0].within(POWER)}", UNARY)


def _mod(s: Scribe, node: Node, given: list[Code]) -> Code:
    function = "fmod" if node.attrs.get("fmod") else "remainder"
    return Code(f"torch.{function}({given[0].text}, {given[1].text})")


def _activation(function: str, **options: tuple[str, Any]) -> Form:
    """Call of torch.nn.functional; an option is the name of the attribute and its default there."""

    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        holes = [
            s.hole(key, node.attrs.get(attribute, default), f", {key}=", default)
            for key, (attribute, default) in options.items()
        ]
        return Code(f"F.{function}({given[0].text}{''.join(holes)})")

    return form


def _hard_sigmoid(s: Scribe, node: Node, given: list[Code]) -> Code:
    alpha, beta = node.attrs["alpha"], node.attrs["beta"]
    if abs(alpha - 1 / 6) < 1e-9 and beta == 0.5:
        return Code(f"F.hardsigmoid({given[0].text})")
    return Code(f"({given[0].within(PRODUCT)} * {s.hole('alpha', alpha)} + {s.hole('beta', beta)}).clamp(0, 1)")


def _selu(s: Scribe, node: Node, given: list[Code]) -> Code:
    if not node.attrs:
        return Code(f"F.selu({given[0].text})")
    alpha = s.hole("alpha", node.attrs.get("alpha", 1.67326319217681884765625))
    gamma = s.hole("gamma", node.attrs.get("gamma", 1.05070102214813232421875))
    return Code(f"{gamma} * F.elu({given[0].text}, {alpha})", PRODUCT)


def _swish(s: Scribe, node: Node, given: list[Code]) -> Code:
    alpha, x = node.attrs.get("alpha", 1.0), given[0]
    if alpha == 1.0:
        return Code(f"F.silu({x.text})")
    return Code(f"{x.within(PRODUCT)} * torch.sigmoid({s.hole('alpha', alpha)} * {x.atom})", PRODUCT)


def _prelu(s: Scribe, node: Node, given: list[Code]) -> Code:
    x, slope = given
    return Code(f"{x.atom}.clamp(min=0) + {slope.within(PRODUCT)} * {x.atom}.clamp(max=0)", SUM)


def _clip(s: Scribe, node: Node, given: list[Code]) -> Code:
    low, high = node.attrs["min"], node.attrs["max"]
    if (low, high) == (0.0, 6.0):
        return Code(f"F.relu6({given[0].text})")
    bounds = [f"{k}={s.hole(k, v)}" for k, v in (("min", low), ("max", high)) if v is not None]
    return Code(f"{given[0].atom}.clamp({', '.join(bounds)})") if bounds else given[0]


def _softmax(name: str) -> Form:
    return lambda s, node, given: Code(f"{given[0].atom}.{name}(dim={_axis(node)})")


def _axis(node: Node) -> int:
    """Axis of a node, as -1 where it is the last."""
    axis = int(node.attrs["axis"])
    source = node.inputs[0]
    return -1 if source is not None and axis == source.rank - 1 else axis


def _dropout(s: Scribe, node: Node, given: list[Code]) -> Code:
    ratio = s.hole("dropout", node.attrs.get("ratio", 0.5), ", ", 0.5)
    return Code(f"F.dropout({given[0].text}{ratio}, training=self.training)")


def _cast(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"{given[0].atom}.to(torch.{node.attrs['to']})")


def _matmul(s: Scribe, node: Node, given: list[Code]) -> Code:
    return _infix("@", PRODUCT)(s, node, given)


def _attention(s: Scribe, node: Node, given: list[Code]) -> Code:
    q, k, _ = node.inputs
    query, key, value = (g.text for g in given)
    if q is None or k is None:
        raise ExportError("Attention needs Q, K and V.")
    if q.shape[1] != k.shape[1]:
        times = s.hole("heads_per_group", q.shape[1] // k.shape[1])
        key, value = (f"{g.atom}.repeat_interleave({times}, dim=1)" for g in given[1:])
    causal = ", is_causal=True" if node.attrs["is_causal"] else ""
    usual = abs(node.attrs["scale"] - q.shape[3] ** -0.5) < 1e-12
    scale = "" if usual else f", scale={s.hole('scale', node.attrs['scale'])}"
    return Code(f"F.scaled_dot_product_attention({query}, {key}, {value}{causal}{scale})")


def _reduction(function: str, dims: str = "dim") -> Form:
    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        keep = ", keepdim=True" if node.attrs["keepdims"] else ""
        axes = node.attrs["axes"]
        if not axes:
            return given[0]
        text = str(axes[0]) if len(axes) == 1 else str(axes)
        if function.startswith("torch."):
            return Code(f"{function}({given[0].text}, {dims}={text}{keep})")
        return Code(f"{given[0].atom}.{function}({dims}={text}{keep})")

    return form


def _product(s: Scribe, node: Node, given: list[Code]) -> Code:
    keep = ", keepdim=True" if node.attrs["keepdims"] else ""
    return Code(given[0].atom + "".join(f".prod(dim={axis}{keep})" for axis in reversed(node.attrs["axes"])))


def _arg(name: str) -> Form:
    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        keep = ", keepdim=True" if node.attrs["keepdims"] else ""
        last = node.attrs.get("select_last_index")
        if last:
            raise ExportError(f"{name} with select_last_index has no form in PyTorch.")
        return Code(f"{given[0].atom}.{name}(dim={_axis(node)}{keep})")

    return form


def _cumsum(s: Scribe, node: Node, given: list[Code]) -> Code:
    axis, x = node.attrs["axis"], given[0]
    if node.attrs.get("reverse"):
        total = f"{x.atom}.flip({axis}).cumsum({axis}).flip({axis})"
    else:
        total = f"{x.atom}.cumsum(dim={_axis(node)})"
    return Code(f"{total} - {x.within(PRODUCT)}", SUM) if node.attrs.get("exclusive") else Code(total)


def _gather(s: Scribe, node: Node, given: list[Code]) -> Code:
    data, indices = given
    source = node.inputs[0]
    if source is not None and source.rank == 2 and node.attrs["axis"] == 0 and data.text.startswith("self."):
        return Code(f"F.embedding({indices.text}, {data.text})")
    return Code(f"{data.atom}[{':, ' * node.attrs['axis']}{indices.text}]")


def _gather_elements(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"{given[0].atom}.gather({node.attrs['axis']}, {given[1].text})")


def _scatter_elements(s: Scribe, node: Node, given: list[Code]) -> Code:
    data, indices, updates = given
    reduction = node.attrs["reduction"]
    arguments = f"{node.attrs['axis']}, {indices.text}, {updates.text}"
    if reduction == "none":
        return Code(f"{data.atom}.scatter({arguments})")
    name = {"add": "sum", "mul": "prod", "min": "amin", "max": "amax"}[reduction]
    return Code(f'{data.atom}.scatter_reduce({arguments}, reduce="{name}")')


def _topk(s: Scribe, node: Node, given: list[Code]) -> Code:
    k = s.hole("k", node.attrs["k"])
    options = "".join(f", {n}=False" for n in ("largest", "sorted") if not node.attrs.get(n, 1))
    return Code(f"{given[0].atom}.topk({k}, dim={_axis(node)}{options})")


def _reshape(s: Scribe, node: Node, given: list[Code]) -> Code:
    """Fixed sizes as numbers, the one that follows the batch as -1."""
    x, now, source = given[0].atom, node.output, node.inputs[0]
    free = _following_batch(s, node)
    kept = now.rank - 1
    if source is not None and 1 <= kept < source.rank and _leading(s, source, kept) == _leading(s, now, kept):
        return Code(f"{x}.flatten({kept})")
    sizes = [s.hole("size", size) for size in now.shape]
    if len(free) == 1:
        sizes[free[0]] = "-1"
    elif free:
        # Several sizes follow the batch; what the attribute copies is read from the input, the rest is inferred.
        wanted = node.attrs["shape"]
        for i in free:
            sizes[i] = "-1" if wanted[i] == -1 else f"{x}.shape[{i}]"
    return Code(f"{x}.reshape({', '.join(sizes)})")


def _leading(s: Scribe, tensor: Tensor, count: int) -> tuple[Shape, Shape]:
    """First sizes of a tensor with one row and with two."""
    return tensor.shape[:count], s.shapes_at_two[tensor][:count]


def _flatten(s: Scribe, node: Node, given: list[Code]) -> Code:
    axis, source = node.attrs["axis"], node.inputs[0]
    x = given[0].atom
    if source is None:
        raise ExportError("Flatten needs an input.")
    axis = axis % source.rank if axis < 0 else axis
    if axis == 0:
        return Code(f"{x}.reshape(1, -1)")
    if axis == source.rank:
        return Code(f"{x}.reshape(-1, 1)")
    head = "" if axis == 1 else f".flatten(0, {axis - 1})"
    tail = "" if axis == source.rank - 1 else ".flatten(1)"
    return Code(f"{x}{head}{tail}")


def _transpose(s: Scribe, node: Node, given: list[Code]) -> Code:
    perm = node.attrs["perm"]
    moved = [i for i, axis in enumerate(perm) if i != axis]
    if not moved:
        return given[0]
    if len(moved) == 2:
        return Code(f"{given[0].atom}.transpose({moved[0]}, {moved[1]})")
    return Code(f"{given[0].atom}.permute({', '.join(map(str, perm))})")


def _concat(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"torch.cat([{', '.join(g.text for g in given)}], dim={node.attrs['axis']})")


def _split(s: Scribe, node: Node, given: list[Code]) -> Code:
    parts = node.attrs["split"]
    if len(set(parts)) == 1:
        return Code(f"{given[0].atom}.chunk({len(parts)}, dim={_axis(node)})")
    return Code(f"{given[0].atom}.split({s.hole('parts', parts)}, dim={_axis(node)})")


def _slice(s: Scribe, node: Node, given: list[Code]) -> Code:
    a, source, x = node.attrs, node.inputs[0], given[0].atom
    if source is None:
        raise ExportError("Slice needs an input.")
    cuts = [":"] * source.rank
    for start, end, axis, step in zip(a["starts"], a["ends"], a["axes"], a["steps"], strict=True):
        size = source.shape[axis]
        if step < 0:
            # PyTorch has no negative steps: the same elements in the reversed tensor.
            start, end, _ = slice(start, end, step).indices(size)
            x, start, end, step = f"{x}.flip({axis})", size - 1 - start, size - 1 - end, -step
        first = "" if start == 0 else s.hole("start", start)
        last = "" if end >= size and axis > 0 or end >= 2**31 - 1 else s.hole("end", end)
        cuts[axis] = f"{first}:{last}" + (f":{s.hole('step', step)}" if step != 1 else "")
    while cuts and cuts[-1] == ":":
        cuts.pop()
    return Code(f"{x}[{', '.join(cuts)}]" if cuts else x)


def _pad(s: Scribe, node: Node, given: list[Code]) -> Code:
    pads, mode, rank, x = node.attrs["pads"], node.attrs["mode"], node.output.rank, given[0]
    pairs = [(pads[i], pads[rank + i]) for i in range(rank)]
    if mode == "constant":
        value = s.hole("value", float(node.attrs["value"]), ", value=", 0.0)
        while len(pairs) > 1 and pairs[0] == (0, 0):
            pairs.pop(0)
        return Code(f"F.pad({x.text}, {_reversed(s, pairs)}{value})")
    torch_mode = {"reflect": "reflect", "edge": "replicate"}.get(mode)
    if torch_mode and rank in (3, 4, 5) and pairs[:2] == [(0, 0)] * 2 and min(pads) >= 0:
        return Code(f'F.pad({x.text}, {_reversed(s, pairs[2:])}, mode="{torch_mode}")')
    text, source = x.atom, node.inputs[0]
    for axis, (before, after) in enumerate(pairs):
        if (before, after) != (0, 0) and source is not None:
            index = _padded_index(source.shape[axis], before, after, mode)
            text = f"{text}[{':, ' * axis}{s.hole('index', index)}]"
    return Code(text)


def _reversed(s: Scribe, pairs: Sequence[tuple[int, int]]) -> str:
    """Pads as PyTorch reads them: the last axis first."""
    return s.hole("pad", tuple(n for pair in reversed(pairs) for n in pair))


def _padded_index(size: int, before: int, after: int, mode: str) -> list[int]:
    index = np.arange(size)[max(-before, 0) : size - max(-after, 0)]
    padded = np.pad(index, (max(before, 0), max(after, 0)), mode)  # type: ignore[call-overload]
    return [int(i) for i in padded]


def _expand(s: Scribe, node: Node, given: list[Code]) -> Code:
    source, shape, out = node.inputs[0], node.attrs["shape"], node.output
    if source is None:
        raise ExportError("Expand needs an input.")
    shape = (1,) * (out.rank - len(shape)) + tuple(shape)
    ours = (0,) * (out.rank - source.rank) + source.shape
    sizes = ["-1" if b and a in (1, b) else s.hole("size", a) for a, b in zip(shape, ours, strict=True)]
    return Code(f"{given[0].atom}.expand({', '.join(sizes)})")


def _tile(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"{given[0].atom}.tile({s.hole('repeats', tuple(node.attrs['repeats']))})")


def _squeeze(s: Scribe, node: Node, given: list[Code]) -> Code:
    axes = node.attrs["axes"]
    return Code(f"{given[0].atom}.squeeze({axes[0] if len(axes) == 1 else axes})") if axes else given[0]


def _unsqueeze(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(given[0].atom + "".join(f".unsqueeze({axis})" for axis in sorted(node.attrs["axes"])))


def _space_to_depth(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f"{s.helper('space_to_depth')}({given[0].text}, {s.hole('block', node.attrs['blocksize'])})")


def _depth_to_space(s: Scribe, node: Node, given: list[Code]) -> Code:
    block = s.hole("block", node.attrs["blocksize"])
    name = "F.pixel_shuffle" if node.attrs["mode"] == "CRD" else s.helper("depth_to_space")
    return Code(f"{name}({given[0].text}, {block})")


def _resize(s: Scribe, node: Node, given: list[Code]) -> Code:
    a, space = node.attrs, node.output.rank - 2
    names = {"linear": {1: "linear", 2: "bilinear", 3: "trilinear"}, "cubic": {2: "bicubic"}}
    nearest = a["mode"] == "nearest"
    mode = "nearest" if nearest else names.get(a["mode"], {}).get(space)
    coordinates = a.get("coordinate_transformation_mode", "asymmetric" if nearest else "half_pixel")
    known = ("asymmetric",) if nearest else ("half_pixel", "align_corners")
    if mode is None or coordinates not in known or a.get("nearest_mode", "floor") != "floor":
        raise ExportError(f"Resize by {a['mode']} with {coordinates} on {space} axes has no form in PyTorch.")
    corners = ", align_corners=True" if coordinates == "align_corners" else ""
    chosen = "" if nearest else f', mode="{mode}"'
    return Code(f"F.interpolate({given[0].text}, size={s.hole('size', tuple(a['sizes']))}{chosen}{corners})")


def _global_pool(function: str) -> Form:
    def form(s: Scribe, node: Node, given: list[Code]) -> Code:
        axes = tuple(range(2, node.output.rank))
        text = str(axes[0]) if len(axes) == 1 else str(axes)
        return Code(f"{given[0].atom}.{function}(dim={text}, keepdim=True)")

    return form


FORMS: dict[str, Form] = {
    "Add": _infix("+", SUM),
    "Sub": _infix("-", SUM),
    "Mul": _infix("*", PRODUCT),
    "Div": _div,
    "Pow": _power,
    "Mod": _mod,
    "Sum": _sum,
    "Max": _extreme("maximum", "min"),
    "Min": _extreme("minimum", "max"),
    "Equal": _infix("==", COMPARISON),
    "Greater": _infix(">", COMPARISON),
    "Less": _infix("<", COMPARISON),
    "Neg": _neg,
    "LeakyRelu": _activation("leaky_relu", negative_slope=("alpha", 0.01)),
    "PRelu": _prelu,
    "Elu": _activation("elu", alpha=("alpha", 1.0)),
    "Celu": _activation("celu", alpha=("alpha", 1.0)),
    "Selu": _selu,
    "HardSigmoid": _hard_sigmoid,
    "Gelu": _activation("gelu", approximate=("approximate", "none")),
    "Swish": _swish,
    "Clip": _clip,
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
    "Dropout": _dropout,
    "Cast": _cast,
    "MatMul": _matmul,
    "Attention": _attention,
    "ReduceMean": _reduction("mean"),
    "ReduceSum": _reduction("sum"),
    "ReduceMax": _reduction("amax"),
    "ReduceMin": _reduction("amin"),
    "ReduceProd": _product,
    "ReduceL2": _reduction("torch.linalg.vector_norm"),
    "ArgMax": _arg("argmax"),
    "ArgMin": _arg("argmin"),
    "CumSum": _cumsum,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "ScatterElements": _scatter_elements,
    "TopK": _topk,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Pad": _pad,
    "Expand": _expand,
    "Tile": _tile,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "SpaceToDepth": _space_to_depth,
    "DepthToSpace": _depth_to_space,
    "Resize": _resize,
    "GlobalAveragePool": _global_pool("mean"),
    "GlobalMaxPool": _global_pool("amax"),
    "MaxPool": max_pool,
    "AveragePool": average_pool,
}
"""Operators with attributes or infix form."""


def _gemm(s: Scribe, node: Node, given: Sequence[str | None]) -> str:
    x, weight, bias, *_ = (*given, None)
    alpha, beta = node.attrs.get("alpha", 1.0), node.attrs.get("beta", 1.0)
    if (alpha, beta) != (1.0, 1.0):
        raise ExportError("Gemm with alpha or beta has no form in PyTorch; multiply by them.")
    turned = weight if node.attrs["transB"] else f"{weight}.t()"
    return f"F.linear({x}, {turned}{f', {bias}' if bias else ''})"


def _batch_normalization(s: Scribe, node: Node, given: Sequence[str | None]) -> str:
    x, scale, shift, mean, variance = given
    momentum = s.hole("momentum", round(1 - node.attrs["momentum"], 10), ", momentum=", 0.1)
    eps = s.hole("eps", node.attrs["epsilon"], ", eps=", 1e-5)
    return f"F.batch_norm({x}, {mean}, {variance}, {scale}, {shift}, training=self.training{momentum}{eps})"


def _channel_norm(function: str) -> Callable[[Scribe, Node, Sequence[str | None]], str]:
    def form(s: Scribe, node: Node, given: Sequence[str | None]) -> str:
        x, scale, shift, *_ = (*given, None, None)
        groups = f", {s.hole('groups', node.attrs['num_groups'])}" if function == "group_norm" else ""
        eps = s.hole("eps", node.attrs["epsilon"], ", eps=", 1e-5)
        return f"F.{function}({x}{groups}{f', weight={scale}' if scale else ''}{f', bias={shift}' if shift else ''}{eps})"

    return form


def _axis_norm(function: str) -> Callable[[Scribe, Node, Sequence[str | None]], str]:
    def form(s: Scribe, node: Node, given: Sequence[str | None]) -> str:
        x, scale, shift, *_ = (*given, None, None)
        shape = f"{scale}.shape" if scale else s.hole("shape", node.output.shape[node.attrs["axis"] :])
        arguments = [str(x), shape, *([f"weight={scale}"] if scale else [])]
        eps = node.attrs["epsilon"]
        if function == "rms_norm":
            # The default of PyTorch is the machine epsilon, so ours is always written.
            text = f"F.rms_norm({', '.join(arguments)}, eps={s.hole('eps', eps)})"
            return f"({text} + {shift})" if shift else text
        arguments += [f"bias={shift}"] if shift else []
        return f"F.layer_norm({', '.join(arguments)}{s.hole('eps', eps, ', eps=', 1e-5)})"

    return form


OPTIONAL_INPUTS: dict[str, Callable[[Scribe, Node, Sequence[str | None]], str]] = {
    "Conv": convolution,
    "ConvTranspose": transposed_convolution,
    "Gemm": _gemm,
    "BatchNormalization": _batch_normalization,
    "GroupNormalization": _channel_norm("group_norm"),
    "InstanceNormalization": _channel_norm("instance_norm"),
    "LayerNormalization": _axis_norm("layer_norm"),
    "RMSNormalization": _axis_norm("rms_norm"),
}
"""Operators some of whose inputs may be absent."""
