"""`dlmd transport --mobile Li Na`: each kind of ion, and the conductivity of all together."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from dlmd.cli.exit_codes import VERDICT


def run(args: argparse.Namespace, trajectories: Sequence, inputs: Sequence[Path]) -> int:
    """Write DIR/<temperature>K.json and print the result."""
    import json

    from dlmd.base.files import write_json
    from dlmd.base.provenance import provenance
    from dlmd.cli.own_settings import analysis_options, charge_given, require_free
    from dlmd.transport.own_run import carriers_of

    names = trajectories[0].carriers
    charges = {name: charge_given(args, name, several=True) for name in names}
    result = carriers_of(trajectories, charges=charges, **analysis_options(args))
    result["provenance"] = provenance(inputs, command=args.argv)
    folder = Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{args.name or format(result['temperature_k'], 'g') + 'K'}.json"
    require_free(path, args)
    write_json(path, result)
    if args.json:
        print(json.dumps(result, indent=1, ensure_ascii=False))
    else:
        print(report(result))
        print(f"\nwritten: {path}")
    return 0 if result["together"]["verdict"]["code"] == "ok" else VERDICT


def report(result: Mapping) -> str:
    """The result as text."""
    from dlmd.base.formatting import interval

    lines = []
    for name, one in result["carriers"].items():
        code = one["verdict"]["code"].replace("_", " ")
        lines.append(f"{one['n_ions']} {name} ({one['charge_e']:+g} e): {code}")
        for key, label, unit in (
            ("d_self_cm2_per_s", "D_self", "cm²/s"),
            ("d_total_cm2_per_s", "D_total", "cm²/s"),
            ("haven_ratio", "Haven ratio", ""),
        ):
            if one[key]:
                lines.append(f"  {label}: {interval(one[key], unit=unit)}")
    notes = dict.fromkeys(note for one in result["carriers"].values() for note in one["notes"])
    lines += [f"- {note}" for note in notes]
    together = result["together"]
    lines += [
        "",
        f"together: {together['verdict']['code'].replace('_', ' ')}, {together['verdict']['message']}",
    ]
    if "matrix_ms_per_cm" not in together:
        return "\n".join(lines)
    lines.append(f"  conductivity: {interval(together['conductivity_ms_per_cm'], unit='mS/cm')}")
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
    return "\n".join(lines)
