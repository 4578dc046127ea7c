"""Networks for the drawings, from operators alone: the golden files show the drawing, not what blocks are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from netwright.graph import Graph, Init, Input, Parameter, Scope, Tensor, image, ops, parameter, scope, tokens, vector


def layer(x: Tensor, channels: int, kernel: int = 3, stride: int = 1, groups: int = 1, act: bool = True) -> Tensor:
    with scope("conv"):
        weight = parameter("weight", (channels, x.shape[1] // groups, kernel, kernel))
        y = ops.conv(x, weight, strides=stride, pads=kernel // 2, group=groups)
        y = ops.batch_normalization(y, *(parameter(hint, (channels,), Init("ones")) for hint in "wbmv"))
        return ops.relu(y) if act else y


def linear(x: Tensor, features: int, name: str = "linear") -> Tensor:
    with scope(name):
        if x.rank == 2:
            return ops.gemm(x, parameter("weight", (features, x.shape[1])), parameter("bias", (features,)))
        return ops.matmul(x, parameter("weight", (x.shape[-1], features))) + parameter("bias", (features,))


def layer_norm(x: Tensor) -> Tensor:
    with scope("norm"):
        return ops.layer_normalization(x, parameter("w", x.shape[-1:]), parameter("b", x.shape[-1:]))


def classifier(x: Tensor, classes: int = 10) -> Tensor:
    with scope("head"):
        return linear(ops.flatten(ops.global_average_pool(x)), classes)


def residual(x: Tensor, channels: int, stride: int = 1) -> Tensor:
    with scope("block"):
        y = layer(layer(x, channels, stride=stride), channels, act=False)
        if y.shape != x.shape:
            with scope("shortcut"):
                x = layer(x, channels, 1, stride, act=False)
        return ops.relu(x + y)


def resnet(depth: int = 2) -> Graph:
    source = image(3, 32, 32)
    with scope("stem"):
        x = layer(source, 16)
    for stage, channels in enumerate((16, 32, 64), start=1):
        with scope(f"stage{stage}"):
            for i in range(depth):
                x = residual(x, channels, 2 if stage > 1 and i == 0 else 1)
    return Graph([source], [classifier(x)])


def mbconv(x: Tensor, channels: int, kernel: int, stride: int, expand: int) -> Tensor:
    with scope("mbconv"):
        y = layer(x, x.shape[1] * expand, 1) if expand > 1 else x
        y = layer(y, y.shape[1], kernel, stride, groups=y.shape[1])
        with scope("se"):
            gate = layer(layer(ops.global_average_pool(y), y.shape[1] // 4, 1), y.shape[1], 1, act=False)
            y = y * ops.sigmoid(gate)
        y = layer(y, channels, 1, act=False)
        return x + y if x.shape == y.shape else y


def mobilenet() -> Graph:
    source = image(3, 96, 96)
    with scope("stem"):
        x = layer(source, 16, stride=2)
    plan = [(16, 3, 1, 1, 1), (24, 3, 2, 4, 2), (40, 5, 2, 3, 3), (80, 3, 2, 6, 4)]
    for stage, (channels, kernel, stride, expand, depth) in enumerate(plan, start=1):
        with scope(f"stage{stage}"):
            for i in range(depth):
                x = mbconv(x, channels, kernel, stride if i == 0 else 1, expand)
    return Graph([source], [classifier(x)])


def cell() -> Graph:
    """Four nodes, six edges."""

    def edge(name: str, x: Tensor) -> Tensor:
        with scope(name):
            if name == "skip":
                return ops.identity(x)
            if name == "pool":
                return ops.average_pool(x, kernel_shape=3, pads=1)
            return layer(ops.relu(x), 16, int(name[-1]), act=False)

    source = image(3, 32, 32)
    with scope("stem"):
        x = layer(source, 16, act=False)
    with scope("cell"):
        one = edge("conv3x3", x)
        two = edge("conv1x1", x) + edge("conv3x3", one)
        x = ops.sum(edge("skip", x), edge("pool", one), edge("conv3x3", two))
    return Graph([source], [classifier(x)])


def vit(depth: int = 12) -> Graph:
    source = image(3, 224, 224)
    with scope("patches"):
        x = ops.conv(source, parameter("weight", (192, 3, 16, 16)), strides=16)
        x = ops.transpose(ops.reshape(x, shape=(0, 0, -1)), perm=(0, 2, 1))
    x = x + parameter("position", (196, 192))
    for _ in range(depth):
        with scope("block"):
            y = layer_norm(x)
            with scope("attention"):
                heads = [ops.reshape(linear(y, 192, name), shape=(0, 0, 3, -1)) for name in "qkv"]
                heads = [ops.transpose(head, perm=(0, 2, 1, 3)) for head in heads]
                y = ops.reshape(ops.transpose(ops.attention(*heads), perm=(0, 2, 1, 3)), shape=(0, 0, -1))
                x = x + linear(y, 192, "project")
            y = layer_norm(x)
            with scope("mlp"):
                x = x + linear(ops.gelu(linear(y, 768, "up")), 192, "down")
    with scope("head"):
        x = linear(ops.reduce_mean(layer_norm(x), axes=(1,), keepdims=0), 1000)
    return Graph([source], [x])


def mlp() -> Graph:
    source = x = vector(13)
    for width in (64, 64, 64, 32):
        x = ops.relu(linear(x, width))
    return Graph([source], [linear(x, 3)])


def unet() -> Graph:
    source = x = image(3, 32, 32)
    skips = []
    for channels in (8, 16):
        with scope("down"):
            skips.append(layer(x, channels))
            x = ops.max_pool(skips[-1], kernel_shape=2, strides=2)
    x = layer(x, 32)
    for skip in reversed(skips):
        with scope("up"):
            x = layer(ops.concat(ops.resize(x, sizes=skip.shape[2:]), skip, axis=1), skip.shape[1])
    return Graph([source], [x])


def attention(source: Tensor, heads: int) -> Tensor:
    with scope("attention"):
        width = source.shape[2]
        parts = ops.split(linear(source, 3 * width, "qkv"), split=(width,) * 3, axis=2)
        apart = [ops.reshape(part, shape=(0, 0, heads, width // heads)) for part in parts]
        q, k, v = (ops.transpose(part, perm=(0, 2, 1, 3)) for part in apart)
        y = ops.transpose(ops.attention(q, k, v), perm=(0, 2, 1, 3))
        return linear(ops.reshape(y, shape=(0, 0, width)), width, "out")


def multi_head_attention() -> Graph:
    source = Input((1, 49, 96))
    return Graph([source], [attention(source, 3)])


def encoder() -> Graph:
    source = x = Input((1, 196, 192))
    x = x + attention(layer_norm(x), 3)
    y = ops.gelu(linear(layer_norm(x), 768, "up"))
    return Graph([source], [x + linear(y, 192, "down")])


def dense(layers: int = 5, growth: int = 12) -> Graph:
    """Each layer reads all before it, as in DenseNet."""
    source = image(3, 32, 32)
    with scope("stem"):
        x = layer(source, 24)
    for i in range(2):
        with scope("dense"):
            found = [x]
            for _ in range(layers):
                with scope("layer"):
                    whole = ops.concat(*found, axis=1) if len(found) > 1 else x
                    found.append(layer(whole, growth))
            x = ops.concat(*found, axis=1)
        if i == 0:
            with scope("transition"):
                x = ops.average_pool(layer(x, x.shape[1] // 2, 1), kernel_shape=2, strides=2)
    return Graph([source], [classifier(x)])


def inception() -> Graph:
    """Four branches side by side, concatenated."""
    source = image(3, 28, 28)
    with scope("stem"):
        x = layer(source, 32)
    for _ in range(2):
        with scope("inception"):
            pooled = ops.max_pool(x, kernel_shape=3, pads=1)
            branches = [layer(x, 16, 1), layer(layer(x, 16, 1), 24), layer(layer(x, 4, 1), 8, 5), layer(pooled, 8, 1)]
            x = ops.concat(*branches, axis=1)
    return Graph([source], [classifier(x)])


def recurrent() -> Graph:
    """An embedding, two LSTM layers, the last step."""
    source = tokens(32)
    with scope("embed"):
        x = ops.transpose(ops.gather(parameter("table", (1000, 64)), source), perm=(1, 0, 2))
    for _ in range(2):
        with scope("lstm"):
            weights = (parameter(hint, (1, 512, size)) for hint, size in (("w", x.shape[2]), ("r", 128)))
            y, _, _ = ops.lstm(x, *weights, parameter("b", (1, 1024)))
            x = ops.squeeze(y, axes=(1,))
    with scope("head"):
        last = ops.squeeze(ops.slice_(x, starts=(-1,), ends=(32,), axes=(0,)), axes=(0,))
        return Graph([source], [linear(last, 10)])


class Paths:
    """Scopes of a model that comes from elsewhere: one for each dotted path."""

    def __init__(self) -> None:
        self._scopes: dict[str, Scope] = {}

    def put(self, path: str, made: Tensor) -> Tensor:
        assert made.node is not None
        made.node.scope = self._scope(path)
        return made

    def _scope(self, path: str) -> Scope:
        above, _, name = path.rpartition(".")
        if path not in self._scopes:
            self._scopes[path] = Scope(name, self._scope(above) if above else None)
        return self._scopes[path]


def weight(*shape: int) -> Parameter:
    return Parameter("weight", shape, Init())


def windows(depths: tuple[int, ...] = (2, 2, 6, 2), width: int = 96) -> Graph:
    """Attention in windows with module paths such as `layers.0.blocks.1.attn.qkv`, after Swin (Liu et al. 2021)."""
    paths, source = Paths(), image(3, 224, 224)
    x = paths.put("patch_embed.proj", ops.conv(source, weight(width, 3, 4, 4), strides=4))
    x = paths.put("patch_embed", ops.transpose(x, perm=(0, 2, 3, 1)))
    for i, depth in enumerate(depths):
        if i:
            x = merged(paths, f"layers.{i}.downsample", x)
        for j in range(depth):
            x = window_block(paths, f"layers.{i}.blocks.{j}", x)
    x = paths.put("head.global_pool", ops.reduce_mean(x, axes=(1, 2), keepdims=0))
    return Graph([source], [paths.put("head.fc", ops.gemm(x, weight(1000, x.shape[1])))])


def merged(paths: Paths, at: str, x: Tensor) -> Tensor:
    _, size, _, width = x.shape
    x = paths.put(at, ops.reshape(x, shape=(0, size // 2, 2, size // 2, 2, width)))
    x = paths.put(at, ops.transpose(x, perm=(0, 1, 3, 2, 4, 5)))
    x = paths.put(at, ops.reshape(x, shape=(0, size // 2, size // 2, 4 * width)))
    return paths.put(f"{at}.reduction", ops.matmul(x, weight(4 * width, 2 * width)))


def window_block(paths: Paths, at: str, x: Tensor) -> Tensor:
    _, size, _, width = x.shape
    count, heads = size // 7, width // 32
    y = paths.put(f"{at}.norm1", ops.layer_normalization(x, weight(width), weight(width)))
    y = paths.put(at, ops.reshape(y, shape=(1, count, 7, count, 7, width)))
    y = paths.put(at, ops.transpose(y, perm=(0, 1, 3, 2, 4, 5)))
    y = paths.put(at, ops.reshape(y, shape=(count**2, 49, width)))
    y = paths.put(f"{at}.attn.qkv", ops.matmul(y, weight(width, 3 * width)))
    y = paths.put(f"{at}.attn", ops.reshape(y, shape=(count**2, 49, 3, heads, 32)))
    y = paths.put(f"{at}.attn", ops.transpose(y, perm=(2, 0, 3, 1, 4)))
    parts = [paths.put(f"{at}.attn", part) for part in ops.split(y, split=(1, 1, 1), axis=0)]
    q, k, v = (paths.put(f"{at}.attn", ops.squeeze(part, axes=(0,))) for part in parts)
    scores = paths.put(f"{at}.attn", ops.matmul(q, paths.put(f"{at}.attn", ops.transpose(k, perm=(0, 1, 3, 2)))))
    scores = paths.put(f"{at}.attn.softmax", ops.softmax(paths.put(f"{at}.attn", scores + weight(heads, 49, 49))))
    y = paths.put(f"{at}.attn", ops.transpose(paths.put(f"{at}.attn", ops.matmul(scores, v)), perm=(0, 2, 1, 3)))
    y = paths.put(f"{at}.attn", ops.reshape(y, shape=(count**2, 49, width)))
    y = paths.put(f"{at}.attn.proj", ops.matmul(y, weight(width, width)))
    y = paths.put(at, ops.reshape(y, shape=(1, count, count, 7, 7, width)))
    y = paths.put(at, ops.transpose(y, perm=(0, 1, 3, 2, 4, 5)))
    x = paths.put(at, x + paths.put(at, ops.reshape(y, shape=(1, size, size, width))))
    y = paths.put(f"{at}.norm2", ops.layer_normalization(x, weight(width), weight(width)))
    y = paths.put(f"{at}.mlp.act", ops.gelu(paths.put(f"{at}.mlp.fc1", ops.matmul(y, weight(width, 4 * width)))))
    return paths.put(at, x + paths.put(f"{at}.mlp.fc2", ops.matmul(y, weight(4 * width, width))))


def nameless(graph: Graph) -> Graph:
    """The graph as a file without names gives it."""
    for node in graph.nodes:
        node.scope = None
    return Graph(graph.inputs, graph.outputs)


def bare_resnet() -> Graph:
    return nameless(resnet(4))


def thousand() -> Graph:
    return vit(40)


BLOCKS: dict[str, Callable[[], Graph]] = {
    "resnet": resnet, "mobilenet": mobilenet, "cell": cell, "vit": vit, "mlp": mlp, "unet": unet, "dense": dense,
    "inception": inception, "recurrent": recurrent, "windows": windows, "nameless": bare_resnet,
    "thousand": thousand,
}  # fmt: skip
"""Networks that have a golden drawing of their blocks."""

AXES: dict[str, Callable[[], Graph]] = {
    "mlp": mlp, "attention": multi_head_attention, "encoder": encoder, "resnet": lambda: resnet(1), "unet": unet,
    "cell": cell, "recurrent": recurrent, "inception": inception, "vit": vit,
}  # fmt: skip
"""Networks that have a golden drawing of their axes."""


def drawings() -> Iterator[tuple[str, str, Callable[[], Graph]]]:
    """Name of the golden file, style and network of each golden drawing."""
    yield from ((name, "blocks", build) for name, build in BLOCKS.items())
    yield from ((f"{name}-axes", "axes", build) for name, build in AXES.items())
