from adapter import job

with job(snakemake):
    from dlmd.validation import jobs

    jobs.try_out(
        snakemake.input.relaxed,
        list(snakemake.input.models),
        list(snakemake.input.labels),
        potential=int(snakemake.wildcards.m),
        result=snakemake.output.result,
        table=snakemake.output.table,
        figures=list(snakemake.output.figure),
        threads=snakemake.threads,
        log=snakemake.log[0],
        # no param: how LAMMPS is started does not make results stale
        command=snakemake.config["md"].get("command"),
        **{
            k: snakemake.params[k]
            for k in ("plan", "dynamics", "temperature_k", "charges", "discard_ps", "seed")
        },
    )
