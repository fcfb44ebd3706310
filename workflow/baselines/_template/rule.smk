"""A template. Copy the folder, replace TEMPLATE by its new name, and fill in run.py."""


rule TEMPLATE:
    input:
        lambda wildcards: jobs.suite_datasets(settings, wildcards.suite),
        lambda wildcards: jobs.suite_references(settings, wildcards.suite),
        job=str(paths.baseline_job(settings, "TEMPLATE", "{suite}")),
        program="workflow/baselines/TEMPLATE/run.py",
    output:
        str(paths.baseline_scores(settings, "TEMPLATE", "{suite}")),
    log:
        jobs.log(settings, "TEMPLATE", "{suite}"),
    benchmark:
        jobs.benchmark(settings, "TEMPLATE", "{suite}")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,  # minutes; how a cluster is asked for them
    message:
        "Running TEMPLATE on {wildcards.suite}"
    shell:
        "python {input.program:q} {input.job:q} {output:q} > {log:q} 2>&1"
