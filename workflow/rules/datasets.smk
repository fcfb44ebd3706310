"""Datasets, one per suite and task, and the pool of each suite."""


rule dataset:
    input:
        lambda wildcards: jobs.policy_files(settings, wildcards.task),
        references=str(paths.references(settings, "{task}")),
    output:
        str(paths.dataset(settings, "{suite}", "{task}")),
    log:
        jobs.log(settings, "dataset", "{suite}", "{task}"),
    benchmark:
        jobs.benchmark(settings, "dataset", "{suite}", "{task}")
    threads: 1
    resources:
        **request(settings, "dataset"),
    params:
        config=lambda wildcards: part(
            settings, "behaviour", "datasets.bands", f"suites.{wildcards.suite}"
        ),
        code=lambda wildcards: fingerprint(
            "cds_bench.dataset.collect",
            *jobs.behaviours(jobs.domain_of(wildcards.suite)),
        ),
    message:
        "Collecting {wildcards.suite}/{wildcards.task}"
    shell:
        "cds-bench dataset --suite {wildcards.suite:q} --task {wildcards.task:q} "
        "--config {params.config:q} > {log:q} 2>&1"


rule pool:
    input:
        lambda wildcards: jobs.suite_datasets(settings, wildcards.suite),
    output:
        pool=str(paths.pool(settings, "{suite}")),
        manifest=str(paths.manifest(settings, "{suite}")),
    log:
        jobs.log(settings, "pool", "{suite}"),
    benchmark:
        jobs.benchmark(settings, "pool", "{suite}")
    threads: 1
    resources:
        **request(settings, "pool"),
    params:
        config=lambda wildcards: part(settings, f"suites.{wildcards.suite}"),
        code=lambda wildcards: fingerprint(
            "cds_bench.dataset.manifest",
            "cds_bench.dataset.relabel",
            *jobs.world(jobs.domain_of(wildcards.suite))[:1],
        ),
    message:
        "Checking and relabelling the datasets of {wildcards.suite}"
    shell:
        "cds-bench pool --suite {wildcards.suite:q} --config {params.config:q} > {log:q} 2>&1"
