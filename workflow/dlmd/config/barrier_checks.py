"""Whether the hops of the barriers lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from dlmd.config.model import RunFields
from dlmd.config.naming import plain_name, shortened


def barriers(cfg: RunFields) -> Iterator[tuple[str, str, str]]:
    """Every hop has a name of its own and says where it leads."""
    section = cfg.barriers
    if section is None:
        return
    names = [hop.name for hop in section.hops]
    for i, hop in enumerate(section.hops):
        path = f"barriers.hops.{i}"
        hint = plain_name(hop.name)
        if hint is not None:
            yield f"{path}.name", f"'{shortened(hop.name)}' is no plain name", hint
        if names.index(hop.name) != i:
            yield f"{path}.name", f"two hops are named '{hop.name}'", "give each a name of its own"
        if hop.direction == (0, 0, 0):
            yield f"{path}.direction", "[0, 0, 0] is no direction", "give [u, v, w] of the conventional cell"
        if hop.direction is None and (hop.start is None or hop.end is None):
            yield path, f"the hop '{hop.name}' leads nowhere", "give its direction, or its start and end"
        mobile = cfg.material.carriers
        if hop.ion is not None and hop.ion not in mobile:
            yield f"{path}.ion", f"'{hop.ion}' is not material.mobile", f"name one of {', '.join(mobile)}"
        if hop.ion is None and len(mobile) > 1:
            yield path, f"which of {', '.join(mobile)} makes the hop '{hop.name}'?", f"add 'ion: {mobile[0]}'"
    if section.engine_environments > section.environments:
        yield (
            "barriers.engine_environments",
            f"{section.engine_environments} is more than barriers.environments ({section.environments})",
            "the engine's bands are some of the potential's: raise environments",
        )
