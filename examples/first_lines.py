"""A space, exact answers about it, a search within hard limits, and the winner as plain files."""

import netwright as nw


def main() -> None:
    space = nw.Space(
        nw.seq(
            nw.conv(nw.oneof(8, 16, 24), kernel=3),
            nw.repeat(
                nw.oneof(nw.mbconv(expand=nw.oneof(3, 6), kernel=nw.oneof(3, 5)), nw.skip()), times=nw.oneof(2, 3, 4)
            ),
            nw.classifier(10),
        ),
        input=nw.image(1, 8, 8),
    )
    macs = space.histogram("macs")
    print(f"{space.size()} designs of {macs.smallest:,.0f} to {macs.largest:,.0f} MACs")
    study = nw.search(
        space,
        task="digits",
        maximize="accuracy",
        minimize="latency_ms@here",
        limits={"params": "<= 50k"},
        budget="8 s",  # a real search takes minutes: see `make search`
        epochs=2,
        final_epochs=6,
        compare=False,
        out="runs/first-lines",
        overwrite=True,
    )
    print(dict(study.best.design))
    print(study.best.metrics["test"])
    print(study.best.export("runs/first-lines/mine", overwrite=True).paths["source"])


if __name__ == "__main__":
    main()
