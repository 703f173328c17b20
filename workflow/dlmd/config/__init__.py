"""The run config: YAML to one typed model, with an error that names line and remedy for everything that is wrong.

In: a config file. Out: `RunConfig`.
"""

from dlmd.base.lazy import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "RunConfig": "run_config",
        "load": "reading",
        "parse": "reading",
    },
)
