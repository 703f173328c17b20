"""Subcommands of `dlmd`, one module each: a docstring (first line: the summary), `add_arguments(parser)` and `run(args)`."""

# Powers of ten are for numbers outside this range.
_PLAIN = (1e-3, 1e5)


def number(value: float) -> str:
    """Three significant digits."""
    rounded = float(f"{value:.3g}")
    if rounded == 0 or _PLAIN[0] <= abs(rounded) < _PLAIN[1]:
        return f"{rounded:.10g}"
    return f"{rounded:.2e}"
