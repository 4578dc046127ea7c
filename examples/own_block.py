"""A block of your own is a plain function; spaces, limits, drawings and exports take it like any other."""

import numpy as np

import netwright as nw


@nw.block
def gated(x: nw.Tensor, channels: int = 16, *, kernel: int = 3) -> nw.Tensor:
    """A convolution that is scaled, element by element, by a sigmoid of another."""
    value = nw.conv(x, channels, kernel=kernel, activation="none")
    gate = nw.conv(x, channels, kernel=1, activation="none")
    return value * nw.ops.sigmoid(gate)


def main() -> None:
    body = nw.oneof(gated(nw.oneof(8, 16, 32), kernel=nw.oneof(3, 5)), nw.conv(nw.oneof(8, 16, 32)))
    network = nw.seq(stem=nw.conv(8), body=nw.repeat(body, times=nw.integer(1, 4)), head=nw.classifier(10))
    space = nw.Space(network, input=nw.image(1, 8, 8), name="gated")
    print(space)
    (cheapest, _), (dearest, _) = space.extremes("params")
    print(f"{cheapest:,.0f} to {dearest:,.0f} parameters")
    # No design outside of the window is ever drawn: nothing is rejected.
    for design in space.sample(np.random.default_rng(0), 3, ["9k <= params <= 10k", "macs <= 600k"]):
        print(space.costs(design), dict(design))
    graph = space.network(design)
    print(nw.to_torch_source(graph)[:600])


if __name__ == "__main__":
    main()
