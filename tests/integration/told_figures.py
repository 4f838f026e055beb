"""The figures of an installation, looked up by name."""

TOKEN = "a-token-that-is-long-enough"


def told(world, name, **labels):
    """The one figure of this name with these labels."""
    found = [f.value for f in told_all(world, name) if labels.items() <= f.labels.items()]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def told_all(world, name):
    return [f for f in world.parts.figures.look() if f.name == f"broadcaster_{name}"]
