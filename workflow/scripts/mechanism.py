from adapter import job

with job(snakemake):
    from dlmd.mechanism import jobs

    names = ("settings", "replicas", "repeat", "charges", "confidence", "seed")
    jobs.temperature(
        list(snakemake.input.segments),
        **{k: snakemake.input[k] for k in ("cif", "structures", "transport")},
        **{k: snakemake.output[k] for k in ("result", "hops", "profiles", "traces", "arrays")},
        **{k: snakemake.params[k] for k in names},
    )
