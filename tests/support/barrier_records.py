"""Records of bands for the tests of summary, figure and report."""

from dlmd.barriers.bands import CONVERGED


def record(hop="110", number=0, method="potential", status=CONVERGED, forward=0.3, backward=0.2, **path):
    """A band whose energy rises to `forward` and falls by `backward`."""
    good = status == CONVERGED
    bare = status.startswith("endpoint")
    difference = forward - backward
    energies = [0.0, difference] if bare else [0.0, forward / 2, forward, difference]
    steps = None if bare else [0.0, 1.0, 2.0, 3.0]
    return {
        "hop": hop,
        "label": {"110": "[110]", "101": "[101]"}.get(hop, hop),
        "number": number,
        "method": method,
        "status": status,
        "message": "as told",
        "steps": 40,
        "residual_ev_per_a": None if bare else 0.04,
        "barrier_forward_ev": forward if good else None,
        "barrier_backward_ev": backward if good else None,
        "energy_difference_ev": difference,
        "highest_ev": max(energies),
        "highest_image": 2,
        "intermediate_minima": 0,
        "images": {"distance_angstrom": steps, "energy_ev": energies},
        "curve": None if bare else {"distance_angstrom": steps, "energy_ev": energies},
        "path": {
            "mechanism": "vacancy",
            "start_site": "Li2",
            "end_site": "Li2",
            "length_angstrom": 6.3,
            "host_neighbours": 4,
            "host_neighbours_start": 3,
            "host_neighbours_end": 2,
            "occupancy": "0.750",
            "cell": "160",
            "ordering": 0,
        }
        | path,
    }


FITTED = {
    "fits": {
        "conductivity": {"activation_energy_ev": {"value": 0.25, "low": 0.2, "high": 0.3}},
        "d_self": {"activation_energy_ev": {"value": 0.24, "low": 0.2, "high": 0.28}},
    }
}
