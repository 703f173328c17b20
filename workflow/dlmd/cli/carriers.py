"""Several mobile elements: what `dlmd transport` and `dlmd study` make of them, each by itself and all together."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any


def result_of(args: argparse.Namespace, trajectories: Sequence, **options: Any) -> dict[str, Any]:
    """The transport result of one temperature, of one mobile element or of several."""
    from dlmd.cli.own_settings import charge_given
    from dlmd.transport.own_run import carriers_of, transport_of

    names = trajectories[0].carriers
    if len(names) < 2:
        return transport_of(trajectories, charge=charge_given(args, trajectories[0].mobile), **options)
    charges = {name: charge_given(args, name, several=True) for name in names}
    return carriers_of(trajectories, charges=charges, **options)


def report(result: Mapping) -> list[str]:
    """Lines on each of several mobile elements, and on their matrix of conductivity; none for one."""
    from dlmd.base.formatting import interval

    lines = []
    for name, one in result.get("carriers", {}).items():
        code = one["verdict"]["code"].replace("_", " ")
        lines += ["", f"{one['n_ions']} {name} ({one['charge_e']:+g} e) by itself: {code}"]
        for key, label, unit in (
            ("d_self_cm2_per_s", "D_self", "cm²/s"),
            ("d_total_cm2_per_s", "D_total", "cm²/s"),
            ("haven_ratio", "Haven ratio", ""),
        ):
            if one[key]:
                lines.append(f"  {label}: {interval(one[key], unit=unit)}")
    together = result.get("together") or {}
    if "matrix_ms_per_cm" not in together:
        return lines
    lines += ["", "parts of the conductivity"]
    lines += [
        f"  sigma {pair}: {interval(e, unit='mS/cm')}" for pair, e in together["matrix_ms_per_cm"].items()
    ]
    lines += [
        f"  correlation {pair}: {interval(e, '.2f')}" for pair, e in together["correlation"].items() if e
    ]
    lines += [
        f"  transference number {kind}: {interval(e, '.2f')}"
        for kind, e in together["transference"].items()
        if e
    ]
    return lines


def fit(results: Sequence[Mapping], **options: Any) -> dict[str, Any]:
    """The Arrhenius fit, and that of each mobile element under `carriers` where there are several."""
    from dlmd.transport import arrhenius

    fitted = arrhenius.fit(results, **options)
    options.pop("runs", None)
    each = {
        name: arrhenius.fit([result["carriers"][name] for result in results], **options)
        for name in results[0].get("carriers", ())
    }
    return {**fitted, "carriers": each} if each else fitted
