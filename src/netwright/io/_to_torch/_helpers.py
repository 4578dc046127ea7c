"""Functions that a PyTorch source defines at its top where its operators are no function of PyTorch."""

from __future__ import annotations

__all__ = ["HELPERS"]

HELPERS = {
    "window_mean": '''
def window_mean(x, kernel_size, stride, pad, overhang, dilation, count_padding):
    """Mean over windows that may be dilated and padded by other amounts on each side."""
    conv = (F.conv1d, F.conv2d, F.conv3d)[len(kernel_size) - 1]
    weight = x.new_ones(1, 1, *kernel_size)
    counted = F.pad(F.pad(torch.ones_like(x[:1, :1]), pad, value=float(count_padding)), overhang)
    rows = F.pad(F.pad(x, pad), overhang).flatten(0, 1).unsqueeze(1)
    total = conv(rows, weight, stride=stride, dilation=dilation).unflatten(0, x.shape[:2]).squeeze(2)
    return total / conv(counted, weight, stride=stride, dilation=dilation)
''',
    "space_to_depth": '''
def space_to_depth(x: Tensor, block: int) -> Tensor:
    """Blocks of pixels to channels, the position in the block before the channel (the order of ONNX)."""
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // block, block, w // block, block)
    return x.permute(0, 3, 5, 1, 2, 4).reshape(n, c * block * block, h // block, w // block)
''',
    "depth_to_space": '''
def depth_to_space(x: Tensor, block: int) -> Tensor:
    """Channels to blocks of pixels, the position in the block before the channel (mode DCR of ONNX)."""
    n, c, h, w = x.shape
    x = x.reshape(n, block, block, c // (block * block), h, w)
    return x.permute(0, 3, 4, 1, 5, 2).reshape(n, c // (block * block), h * block, w * block)
''',
    "window_norm": '''
def window_norm(x: Tensor, order: int, kernel_size, stride, pad, dilation) -> Tensor:
    """Norm of each window."""
    conv = (F.conv1d, F.conv2d, F.conv3d)[len(kernel_size) - 1]
    rows = F.pad(x.abs() ** order, pad).flatten(0, 1).unsqueeze(1)
    total = conv(rows, x.new_ones(1, 1, *kernel_size), stride=stride, dilation=dilation)
    return total.unflatten(0, x.shape[:2]).squeeze(2) ** (1 / order)
''',
    "resize": '''
def resize(x: Tensor, size, mode: str, coordinates: str, rounding: str) -> Tensor:
    """Interpolation of the spatial axes one by one, with positions and rounding as ONNX defines them."""
    for axis, new in enumerate(size, start=2):
        old, places = x.shape[axis], torch.arange(new, dtype=torch.float32)
        scale = torch.tensor(new / old)
        at = places / scale if coordinates == "asymmetric" else (places + 0.5) / scale - 0.5
        if coordinates == "align_corners":
            at = places * (old - 1) / max(new - 1, 1)
        elif coordinates == "pytorch_half_pixel" and new == 1:
            at = torch.zeros(1)
        low, part = at.floor(), at - at.floor()
        if mode == "linear":
            taps = {0: 1 - part, 1: part}
        elif mode == "cubic":
            far, near = 1 + part, 1 - part
            taps = {
                -1: ((-0.75 * far + 3.75) * far - 6) * far + 3,
                0: (1.25 * part - 2.25) * part**2 + 1,
                1: (1.25 * near - 2.25) * near**2 + 1,
                2: ((-0.75 * (1 + near) + 3.75) * (1 + near) - 6) * (1 + near) + 3,
            }
        else:
            nearest = {
                "floor": low, "ceil": at.ceil(), "round_prefer_floor": (at - 0.5).ceil(),
                "round_prefer_ceil": (at + 0.5).floor(),
            }
            low, taps = nearest[rounding], {0: None}
        parts = []
        for step, weight in taps.items():
            picked = x.index_select(axis, (low + step).clamp(0, old - 1).long().to(x.device))
            shape = [-1 if i == axis else 1 for i in range(x.dim())]
            parts.append(picked if weight is None else picked * weight.to(x).reshape(shape))
        x = sum(parts[1:], parts[0])
    return x
''',
    "causal": '''
def causal(mask: Tensor, rows: int, columns: int) -> Tensor:
    """A mask of attention that also leaves out what comes after each query."""
    later = torch.ones(rows, columns, dtype=torch.bool, device=mask.device).triu(1)
    return mask.masked_fill(later, False if mask.dtype == torch.bool else float("-inf"))
''',
    "gather_nd": '''
def gather_nd(x: Tensor, index: Tensor, shared: int) -> Tensor:
    """Slices of x at indices (..., k) into its axes after the first ones, which both share."""
    rank = index.dim() - 1
    own = [torch.arange(index.shape[i], device=x.device).reshape(-1, *[1] * (rank - 1 - i)) for i in range(shared)]
    return x[(*own, *index.unbind(-1))]
''',
    "scatter_nd": '''
def scatter_nd(x: Tensor, index: Tensor, updates: Tensor, reduce: str) -> Tensor:
    """x with slices combined at indices (..., k) into its first k axes; equal indices are combined as well."""
    depth = index.shape[-1]
    flat = x.flatten(0, depth - 1).flatten(1) if depth < x.dim() else x.reshape(-1, 1)
    row = torch.zeros_like(index[..., 0])
    for axis, size in enumerate(x.shape[:depth]):
        row = row * size + index[..., axis] % size
    updates = updates.reshape(row.numel(), -1)
    row = row.reshape(-1, 1).expand_as(updates)
    return flat.scatter_reduce(0, row, updates, reduce=reduce).reshape(x.shape)
''',
    "one_hot": '''
def one_hot(x: Tensor, depth: int, axis: int, dtype: torch.dtype) -> Tensor:
    """A 1 at each index on a new axis; negative indices count from its end, and others that it lacks give zeros."""
    x = torch.where(x < 0, x + depth, x).unsqueeze(axis)
    places = torch.arange(depth, device=x.device).reshape(-1, *[1] * (x.dim() - 1 - axis))
    return (x == places).to(dtype)
''',
    "recurrent": '''
def recurrent(run, x: Tensor, w: Tensor, r: Tensor, bias, starts, order, backward: bool):
    """A recurrent layer over (T, N, I): its states (T, D, N, H), and the last ones (D, N, H).

    run is torch.lstm or one of its kin, order the places in w, r and bias at which its gates stand.
    """
    hidden, order = r.shape[-1], list(order)
    parts = [a.reshape(-1, len(order), hidden, a.shape[-1])[:, order].flatten(1, 2) for a in (w, r)]
    if bias is not None:
        parts += bias.reshape(-1, 2, len(order), hidden)[:, :, order].flatten(2).unbind(1)
    weights = [part[d] for d in range(len(parts[0])) for part in parts]
    directions = len(parts[0])
    zeros = x.new_zeros(directions, x.shape[1], hidden)
    starts = [zeros if start is None else start for start in starts]
    x = x.flip(0) if backward else x
    given = starts if len(starts) > 1 else starts[0]
    y, *last = run(x, given, weights, bias is not None, 1, 0.0, torch.is_grad_enabled(), directions == 2, False)
    y = y.unflatten(2, (directions, hidden)).transpose(1, 2)
    return (y.flip(0) if backward else y, *last)
''',
    "gru_reset_first": '''
def gru_reset_first(x: Tensor, start: Tensor, weights, has_biases: bool, *options):
    """As torch.gru, but the reset gate comes before the recurrent matrix of the new state and not after it."""
    size, results = 4 if has_biases else 2, []
    ends = []
    for d, h in enumerate(start):
        w, r, *bias = weights[d * size : (d + 1) * size]
        reset_r, update_r, new_r = r.chunk(3)
        states = []
        steps = F.linear(x, w, bias[0] + bias[1] if bias else None)
        for step in steps.flip(0) if d else steps:
            reset, update, new = step.chunk(3, dim=1)
            reset = torch.sigmoid(reset + F.linear(h, reset_r))
            update = torch.sigmoid(update + F.linear(h, update_r))
            new = torch.tanh(new + F.linear(reset * h, new_r))
            h = new + update * (h - new)
            states.append(h)
        ends.append(h)
        results.append(torch.stack(states[::-1] if d else states))
    return torch.cat(results, dim=2), torch.stack(ends)
''',
}
"""Source of each function by its name."""
