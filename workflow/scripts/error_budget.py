from adapter import job

with job(snakemake):
    from dlmd.transport import error_budget_jobs

    error_budget_jobs.budget(
        list(snakemake.input.results),
        result=snakemake.output.result,
        table=snakemake.output.table,
        figures=list(snakemake.output.figure),
        **{k: snakemake.params[k] for k in ("runs", "predict_k", "confidence")},
    )
